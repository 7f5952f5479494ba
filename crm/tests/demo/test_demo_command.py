"""`manage.py demo`: what it refuses, and the whole story in processes of its own."""

from __future__ import annotations

import email
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from email import policy
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from crm.demo.catcher.store import MailReader
from crm.demo.processes import is_free
from crm.tests.factories import ContactFactory

pytestmark = pytest.mark.embedded

PROJECT_DIR = Path(__file__).resolve().parent.parent.parent.parent
START_SECONDS = 80


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Demo:
    """The command with a database and ports of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port, self.smtp_port = free_ports(2)
        self.site = f"http://127.0.0.1:{self.port}"
        self.catcher = MailReader(directory / "catcher")

    @contextmanager
    def started(self, *options: str) -> Iterator[subprocess.Popen[str]]:
        """The process; a test that fails leaves none behind."""
        with self.start(*options) as process:
            try:
                yield process
            finally:
                process.kill()

    def start(self, *options: str) -> subprocess.Popen[str]:
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "settings.environments.development",
            "DATABASE_URL": f"sqlite:///{self.directory / 'demo.sqlite3'}",
            "VAR_DIR": str(self.directory),
            "PYTHONUNBUFFERED": "1",
        }
        command = [sys.executable, "manage.py", "demo", "--contacts", "30", *options]
        ports = ["--port", str(self.port), "--smtp-port", str(self.smtp_port)]
        return subprocess.Popen(
            command + ports,
            cwd=PROJECT_DIR,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *options: str) -> tuple[int, str]:
        with self.started(*options) as process:
            output, _ = process.communicate(timeout=START_SECONDS)
        return process.returncode, output

    def one(self, query: str) -> object:
        with closing(sqlite3.connect(self.directory / "demo.sqlite3")) as database:
            return database.execute(query).fetchone()[0]


@pytest.fixture
def demo(tmp_path):
    return Demo(tmp_path)


def numbers(output: str) -> dict[str, str]:
    return dict(re.findall(r"^ *(\S.*?) {2,}([\d.]+)$", output, re.MULTILINE))


def read_until(process: subprocess.Popen[str], words: str) -> str:
    output = ""
    for line in process.stdout:
        output += line
        if words in line:
            return output
    raise AssertionError(output)


def status_of(url: str, data: bytes | None = None) -> int:
    try:
        with urllib.request.urlopen(url, data, timeout=20) as answer:  # noqa: S310
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def unsubscribe_url(raw: bytes) -> str:
    message = email.message_from_bytes(raw, policy=policy.default)
    return message["List-Unsubscribe"].strip().strip("<>")


def test_it_sends_serves_the_site_lets_people_unsubscribe_and_starts_again(demo):
    with demo.started() as process:
        output = read_until(process, "Ctrl-C ends the demo.")
        assert numbers(output)["Recipients"] == "30"
        assert numbers(output)["sent"] == "27"
        assert "the ledger is clean" in output
        assert f"{demo.site}/catcher/" in output
        assert demo.catcher.count() == 27

        assert status_of(f"{demo.site}/login/") == 200
        assert status_of(f"{demo.site}/static/admin/css/base.css") == 200
        assert status_of(f"{demo.site}/static/crm/demo.css") == 200
        address = demo.one("SELECT email FROM crm_contact ORDER BY id LIMIT 1")
        [mail] = demo.catcher.page(search=address, offset=0, limit=9)
        url = unsubscribe_url(demo.catcher.raw(mail))
        assert url.startswith(demo.site)
        assert status_of(url, b"List-Unsubscribe=One-Click") == 200
        opted_out = (
            "SELECT group_concat(email) FROM crm_contact WHERE NOT accepts_mailings"
        )
        assert demo.one(opted_out) == address

        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert is_free(demo.port)
    assert is_free(demo.smtp_port)

    code, output = demo.run("--once")

    assert code == 0, output
    assert numbers(output)["sent"] == "27"
    assert demo.catcher.count() == 27
    assert demo.one(opted_out) is None
    assert is_free(demo.smtp_port)


def test_no_process_outlives_a_demo_that_was_killed(demo):
    with demo.started() as process:
        read_until(process, "Ctrl-C ends the demo.")
        process.kill()
        process.communicate(timeout=60)

    deadline = time.monotonic() + 60
    while not (is_free(demo.port) and is_free(demo.smtp_port)):
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize("option", ["--port", "--smtp-port"])
def test_a_taken_port_is_named_with_its_option_before_anything_is_done(demo, option):
    taken = demo.port if option == "--port" else demo.smtp_port
    with socket.create_server(("127.0.0.1", taken)):
        code, output = demo.run()

    assert code == 1
    assert f"Port {taken} is taken." in output
    assert f"Choose a free one with {option}." in output
    assert not (demo.directory / "catcher").exists()


def test_it_refuses_other_settings_than_development(db):
    contact = ContactFactory()

    with pytest.raises(CommandError, match=r"settings\.environments\.development"):
        call_command("demo", "--once")

    contact.refresh_from_db()


@pytest.mark.parametrize("contacts", ["0", "-5"])
def test_it_refuses_no_contacts(settings, contacts):
    settings.DEMO_CATCHER = True

    with pytest.raises(CommandError, match="--contacts must be 1 or more"):
        call_command("demo", "--once", "--contacts", contacts)


def test_it_leaves_a_database_alone_in_which_somebody_works(db, settings, tmp_path):
    settings.DEMO_CATCHER, settings.VAR_DIR = True, tmp_path
    contact = ContactFactory()

    with pytest.raises(CommandError, match="holds more than the demo's data"):
        call_command("demo", "--once", "--smtp-port", str(free_ports(1)[0]))

    contact.refresh_from_db()
    assert get_user_model().objects.count() == 1
