"""The units of the docs start what there is."""

from __future__ import annotations

import configparser
import shlex
import sys
from pathlib import Path

import pytest
from celery.bin.celery import celery
from django.core.management import get_commands

from massmail.conf import conf
from settings.celery import app

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "systemd"
ENVIRONMENT = "/opt/massmail/.venv/bin/"
SERVICES = sorted(FOLDER.glob("*.service"))


def read(path):
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str
    unit.read_string(path.read_text(encoding="utf-8"))
    return unit


def command_of(path):
    program, *arguments = shlex.split(read(path)["Service"]["ExecStart"])
    assert program.startswith(ENVIRONMENT)
    return program.removeprefix(ENVIRONMENT), arguments


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.stem)
def test_a_service_runs_a_program_of_the_environment_as_its_own_user(path):
    service = read(path)["Service"]
    program, arguments = command_of(path)

    assert (Path(sys.executable).parent / program).exists()
    assert service["User"] == "massmail"
    assert service["WorkingDirectory"] == "/opt/massmail"
    assert service["EnvironmentFile"] == "/etc/massmail/environment"
    if program == "python":
        assert arguments[0] == "manage.py"
        assert arguments[1] in get_commands()


@pytest.mark.parametrize(
    ("stem", "command"), [("massmail-worker", "worker"), ("massmail-beat", "beat")]
)
def test_celery_gets_arguments_that_it_knows(stem, command):
    program, arguments = command_of(FOLDER / f"{stem}.service")

    assert program == "celery"
    assert arguments[:3] == ["-A", "settings", command]
    context = celery.commands[command].make_context(
        command, arguments[3:], obj=None, resilient_parsing=True
    )
    assert context.args == []


# Celery runs Django's checks with the imports, and SQLite asks its file then.
@pytest.mark.django_db
def test_each_task_of_beat_is_one_that_the_worker_knows():
    app.loader.import_default_modules()

    scheduled = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert scheduled <= app.tasks.keys()


@pytest.mark.parametrize("stem", ["massmail-worker", "massmail-send-queue"])
def test_a_soft_stop_has_time_for_pending_replies(stem):
    service = read(FOLDER / f"{stem}.service")["Service"]

    assert service["KillMode"] == "mixed"
    assert int(service["TimeoutStopSec"]) >= conf.TERM_SECONDS + conf.DATABASE_PATIENCE
