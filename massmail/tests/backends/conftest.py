"""A small cast: servers that fail on demand, and certificates for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from massmail.backends.smtp import SmtpConnection, drive
from massmail.tests.backends.clients import new_connection
from massmail.tests.smtp_certificates import Certificates, make_certificates
from massmail.tests.smtp_server import FaultServer

StartServer = Callable[..., FaultServer]
Connect = Callable[..., SmtpConnection]


@pytest.fixture
def start_server() -> Iterator[StartServer]:
    """`start_server(faults=[...], ...)`: a server that ends with the test."""
    with ExitStack() as stack:

        def start(**settings: object) -> FaultServer:
            return stack.enter_context(FaultServer(**settings))

        yield start


@pytest.fixture
def connection_to() -> Iterator[Connect]:
    """`connection_to(server, timeouts, **settings)`: closed when the test ends."""
    with ExitStack() as stack:

        def connect(*arguments: object, **settings: object) -> SmtpConnection:
            connection = new_connection(*arguments, **settings)
            stack.callback(connection.close)
            return connection

        yield connect


@pytest.fixture
def opened(connection_to: Connect) -> Connect:
    """Like `connection_to`, and open."""

    def open_(*arguments: object, **settings: object) -> SmtpConnection:
        connection = connection_to(*arguments, **settings)
        drive(connection.open())
        return connection

    return open_


@pytest.fixture
def other_certificates(tmp_path: Path) -> Certificates:
    """By an authority that nobody trusts."""
    return make_certificates(tmp_path)
