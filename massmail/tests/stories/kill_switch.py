"""Kills its own process right before the n-th thing that the world could notice.

Counted are database statements, commits and writes to sockets: with n from one on,
a kill falls between any two of them.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from massmail.models.server_statement import ServerStatement

VARIABLE = "MASSMAIL_TEST_KILL_AT"


def arm_from_environment() -> None:
    if number := int(os.environ.get(VARIABLE, 0)):
        arm(number)


def arm(number: int) -> None:
    """Die by SIGKILL before step `number`, counted from 1 over all threads."""
    steps = iter(range(1, number))

    def step() -> None:
        if next(steps, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    def preceded(function: Callable) -> Callable:
        def call(*args: Any, **kwargs: Any) -> Any:
            step()
            return function(*args, **kwargs)

        return call

    CursorWrapper.execute = preceded(CursorWrapper.execute)
    ServerStatement.rows = preceded(ServerStatement.rows)
    ServerStatement.rows = preceded(ServerStatement.rows)
    CursorWrapper.executemany = preceded(CursorWrapper.executemany)
    BaseDatabaseWrapper._commit = preceded(BaseDatabaseWrapper._commit)
    socket.socket.send = preceded(socket.socket.send)
