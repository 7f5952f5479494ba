"""Real processes on the test's database: senders, commands, Celery."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.db import connection

PROJECT_DIR = Path(__file__).resolve().parents[3]
POLL_SECONDS = 0.01
# Far more than anything takes, also where many suites share a few cores: what is late
# by that much is broken.
PATIENCE = 240.0


def wait_until(
    condition: Callable[[], Any], what: str, seconds: float = PATIENCE
) -> Any:
    """The first true value of the condition; fails with `what` after the deadline."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(POLL_SECONDS)
    return value


def wait_for_sessions_to_end() -> None:
    """PostgreSQL notices a moment late that its killed clients are gone."""
    if connection.vendor == "postgresql":
        wait_until(lambda: other_sessions() == 0, "the database is left alone")


def other_sessions() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return cursor.fetchone()[0]


def database_url() -> str:
    """The database that the test's own connection uses, for other processes."""
    config = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{config['NAME']}"
    user, password = quote(config["USER"]), quote(config["PASSWORD"], safe="")
    login = f"{user}:{password}" if password else user
    port = config["PORT"] or 5432
    return f"postgres://{login}@{config['HOST']}:{port}/{config['NAME']}"


def environment(**more: str) -> dict[str, str]:
    """That of a process which works on the test's database."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST", "COV_"))
    }
    return inherited | {
        "DJANGO_SETTINGS_MODULE": "settings.environments.faults",
        "DATABASE_URL": database_url(),
        "PYTHONPATH": str(PROJECT_DIR),
        **more,
    }


@dataclass
class Child:
    """A process forked by the nursery."""

    nursery: Nursery
    pid: int
    returncode: int | None = None

    def poll(self) -> int | None:
        return self.wait(0.0)

    def wait(self, seconds: float = PATIENCE) -> int | None:
        """The exit code, negative for a signal; None if it still runs then."""
        if self.returncode is None:
            self.returncode = self.nursery.ask("wait", pid=self.pid, seconds=seconds)
        return self.returncode

    def signal(self, number: int) -> None:
        """Not waited for yet, so the pid is still its own."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> int | None:
        """SIGKILL; -9, unless it had ended before."""
        self.signal(signal.SIGKILL)
        return self.wait()


@dataclass
class Nursery:
    """Starts commands in processes that cost no start of an interpreter."""

    process: subprocess.Popen = field(init=False)
    children: list[Child] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "massmail.tests.stories.nursery"],
            cwd=PROJECT_DIR,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def ask(self, do: str, **order: Any) -> Any:
        self.process.stdin.write(f"{json.dumps({'do': do, **order})}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, "the nursery died"
        return json.loads(answer)

    def start(self, *arguments: str, kill_at: int = 0, **massmail: Any) -> Child:
        """Run a management command; `massmail` overrides names of that setting."""
        order = {"arguments": arguments, "massmail": massmail, "kill_at": kill_at}
        child = Child(self, self.ask("start", **order))
        self.children.append(child)
        return child

    def clear(self) -> None:
        """Kill what a test left behind."""
        for child in self.children:
            child.kill()
        self.children.clear()

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class Processes:
    """Programs in process groups of their own, each of which ends with the test."""

    def __init__(self) -> None:
        self._running: list[subprocess.Popen] = []

    def manage(self, *arguments: str, **variables: str) -> subprocess.Popen:
        return self.start([sys.executable, "manage.py", *arguments], **variables)

    def celery(self, *arguments: str, **variables: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "celery", "-A", "settings", *arguments]
        return self.start(command, **variables)

    def start(self, command: list[str], **variables: str) -> subprocess.Popen:
        process = subprocess.Popen(
            command,
            cwd=PROJECT_DIR,
            env=environment(**variables),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._running.append(process)
        return process

    def clear(self) -> None:
        """End whole groups: a worker's children, too."""
        for process in self._running:
            # All of the group may have ended by themselves.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._running.clear()
