"""The demo command's children: started, waited for and stopped."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

from django.core.management.base import CommandError

HOST = "127.0.0.1"
START_SECONDS = 30.0
# A reply that is awaited when the sender is stopped takes at most 25 s.
STOP_SECONDS = 40.0
POLL_SECONDS = 0.05


class Child:
    """A process of `crm.demo.child`; leaves its words in a file."""

    def __init__(self, role: str, *arguments: str, log_directory: Path) -> None:
        log_directory.mkdir(parents=True, exist_ok=True)
        self.role = role
        self.log = log_directory / f"demo-{role}.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", "crm.demo.child", role, *arguments],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=environment(role),
                # Ctrl-C goes to the command alone, which stops its children in order.
                start_new_session=True,
            )

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def require_running(self) -> None:
        if not self.is_running:
            raise CommandError(
                f"The demo's {self.role} has ended by itself. See {self.log}"
            )

    def wait_until_listening(self, port: int) -> None:
        """Raises CommandError when it ends or does not answer in time."""
        deadline = time.monotonic() + START_SECONDS
        while not answers(port):
            self.require_running()
            if time.monotonic() > deadline:
                raise CommandError(f"The demo's {self.role} does not answer.")
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Ask it to end; kill it when it does not."""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()


class Children:
    """Context manager: whatever was started is stopped, the last one first."""

    def __init__(self, log_directory: Path) -> None:
        self.log_directory = log_directory
        self._children: list[Child] = []

    def start(self, role: str, *arguments: str, port: int | None = None) -> Child:
        """Start a child and wait until it answers on its port, if it has one."""
        child = Child(role, *arguments, log_directory=self.log_directory)
        self._children.append(child)
        if port is not None:
            child.wait_until_listening(port)
        return child

    def require_running(self) -> None:
        for child in self._children:
            child.require_running()

    def __enter__(self) -> Children:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for child in reversed(self._children):
            child.stop()


def environment(role: str) -> dict[str, str]:
    """The command's own, but that a DEBUG process keeps the text of every query."""
    debug = {} if role == "site" else {"DEBUG": "False"}
    return {**os.environ, **debug}


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((HOST, port)) == 0


def is_free(port: int) -> bool:
    """Whether a server can listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
