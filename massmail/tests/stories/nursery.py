"""A process that has Django loaded and forks one process per command off itself.

Starting the interpreter takes a second, a fork some milliseconds: only so can a test
kill senders by the hundred. Orders come as JSON lines on stdin, answers go to stdout::

    {"do": "start", "arguments": ["send_queue", "--once"], "massmail": {}, "kill_at": 0}
    {"do": "wait", "pid": 4711, "seconds": 10.0}
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connections

POLL_SECONDS = 0.005


def start(arguments: list[str], massmail: dict[str, Any], kill_at: int) -> int:
    """The pid of a new process that runs the command."""
    pid = os.fork()
    if pid == 0:
        os._exit(run(arguments, massmail, kill_at))
    return pid


def run(arguments: list[str], massmail: dict[str, Any], kill_at: int) -> int:
    """In the child: the command's exit code."""
    from massmail.tests.stories import kill_switch

    leave_protocol()
    change_settings(massmail)
    if kill_at:
        kill_switch.arm(kill_at)
    try:
        call_command(*arguments)
    except BaseException:  # the child must never return into the parent's loop
        traceback.print_exc()
        return 1
    return 0


def leave_protocol() -> None:
    """Orders and answers are the parent's; what is printed goes to stderr."""
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)


def change_settings(massmail: dict[str, Any]) -> None:
    from massmail.conf import conf

    settings.MASSMAIL = settings.MASSMAIL | massmail
    conf.forget(setting="MASSMAIL")


def wait(pid: int, seconds: float) -> int | None:
    """The exit code, negative for a signal; None while it runs."""
    deadline = time.monotonic() + seconds
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= deadline:
            return None
        time.sleep(POLL_SECONDS)


def load() -> None:
    """Import once what every child needs."""
    django.setup()
    from django.urls import get_resolver

    from massmail.management.commands import send_queue  # noqa: F401

    assert get_resolver().url_patterns
    connections.close_all()


def main() -> None:
    load()
    orders = {"start": start, "wait": wait}
    try:
        for line in sys.stdin:
            order = json.loads(line)
            answer = orders[order.pop("do")](**order)
            sys.stdout.write(f"{json.dumps(answer)}\n")
            sys.stdout.flush()
    finally:
        # The test run is over, be it killed: no sender may go on alone.
        os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
