"""Short ways to talk to a test server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from massmail.backends.smtp import (
    Phase,
    Reply,
    Server,
    SmtpConnection,
    SmtpFailure,
    Timeouts,
    drive,
)
from massmail.tests.smtp_server import FaultServer

SENDER = "ann@example.com"
RECIPIENT = "bob@example.org"
MESSAGE = b"Subject: Hello\r\n\r\nHow are you?\r\n"

# Long enough for any answer that comes, short enough to wait for one that does not.
PATIENT = Timeouts(connect=20, command=20, final_dot=20)
IMPATIENT = Timeouts(connect=0.2, command=0.2, final_dot=0.2)


def new_connection(
    server: FaultServer, timeouts: Timeouts = PATIENT, **settings: object
) -> SmtpConnection:
    """Not yet open; in clear and without login unless told otherwise."""
    choices = {"host": server.host, "security": "none", "allow_private_hosts": True}
    return SmtpConnection(Server(port=server.port, **(choices | settings)), timeouts)


def send(
    connection: SmtpConnection, payload: bytes = MESSAGE, to: str = RECIPIENT
) -> Reply:
    drive(connection.begin(SENDER, to, len(payload)))
    return drive(connection.finish(payload))


def failure_of(step: Callable[[], object]) -> SmtpFailure:
    with pytest.raises(SmtpFailure) as caught:
        step()
    return caught.value


def facts(failure: SmtpFailure) -> tuple[Phase, int | None]:
    return failure.phase, failure.reply and failure.reply.code
