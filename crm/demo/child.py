"""What runs beside the demo command, each in a process of its own.

`python -m crm.demo.child catcher DIRECTORY PORT | site PORT | sender`

Each ends with SIGTERM, and when its standard input ends: nothing of the demo is left
behind when the command itself is killed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def main(role: str, *arguments: str) -> None:
    threading.Thread(target=leave_with_parent, daemon=True).start()
    ROLES[role](*arguments)


def leave_with_parent() -> None:
    """The parent holds the other end of the pipe, as long as it lives."""
    # Not through sys.stdin, whose lock would outlast the interpreter.
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def catch_mail(directory: str, port: str) -> None:
    with suppress(asyncio.CancelledError):
        asyncio.run(catch_until_terminated(Path(directory), int(port)))


async def catch_until_terminated(directory: Path, port: int) -> None:
    from crm.demo.catcher.server import serve

    task = asyncio.ensure_future(serve(directory, port))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await task


def serve_site(port: str) -> None:
    """Django's own server: static files come from WhiteNoise."""
    from django.core.servers.basehttp import run
    from django.core.wsgi import get_wsgi_application

    run("127.0.0.1", int(port), get_wsgi_application(), threading=True)


def send_mail() -> None:
    """The same sender as everywhere without Celery."""
    import django
    from django.core.management import call_command

    django.setup()
    call_command("send_queue")


ROLES: dict[str, Callable[..., None]] = {
    "catcher": catch_mail,
    "site": serve_site,
    "sender": send_mail,
}

if __name__ == "__main__":
    main(*sys.argv[1:])
