"""One loop drives many connections; a slow one delays no other."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Generator

from massmail.backends.driving import is_ready
from massmail.backends.smtp import Phase, SmtpConnection, SmtpFailure, Wait, drive
from massmail.tests.backends.clients import IMPATIENT, MESSAGE, SENDER
from massmail.tests.smtp_server import Fault


def drive_all(conversations: list[Generator[Wait, None, None]]) -> list[Exception]:
    """All of them in one selectors loop; returns the failures."""
    failures: list[Exception] = []
    with selectors.DefaultSelector() as selector:
        waiting: dict[Generator[Wait, None, None], Wait] = {}

        def resume(conversation, step) -> None:
            if known := waiting.pop(conversation, None):
                selector.unregister(known.sock)
            try:
                wait = step()
            except StopIteration:
                return
            except SmtpFailure as failure:
                failures.append(failure)
                return
            waiting[conversation] = wait
            selector.register(wait.sock, wait.events, conversation)

        for conversation in conversations:
            resume(conversation, conversation.__next__)
        while waiting:
            nearest = min(wait.deadline for wait in waiting.values())
            ready = selector.select(max(0.0, nearest - time.monotonic()))
            for key, _ in ready:
                resume(key.data, key.data.__next__)
            late = [c for c, w in waiting.items() if w.deadline <= time.monotonic()]
            for conversation in late:
                resume(conversation, lambda c=conversation: c.throw(TimeoutError()))
    return failures


def converse(
    connection: SmtpConnection, addresses: list[str]
) -> Generator[Wait, None, None]:
    yield from connection.open()
    for address in addresses:
        yield from connection.begin(SENDER, address, len(MESSAGE))
        yield from connection.finish(MESSAGE)
    yield from connection.quit()


def test_many_connections_share_one_loop(start_server, connection_to) -> None:
    server = start_server()
    addresses = [[f"{lane}.{n}@example.org" for n in range(10)] for lane in range(8)]
    connections = [connection_to(server) for _ in addresses]
    failures = drive_all(list(map(converse, connections, addresses)))
    assert failures == []
    assert {message.rcpt for message in server.accepted} == {
        address for lane in addresses for address in lane
    }
    assert server.connections == 8


def test_a_stuck_connection_delays_no_other(start_server, connection_to) -> None:
    fault = Fault(Phase.RCPT, to="stuck@*", hang=True)
    server = start_server(faults=[fault])
    stuck, quick = connection_to(server, IMPATIENT), connection_to(server)
    addresses = [f"r{number}@example.org" for number in range(20)]
    failures = drive_all(
        [converse(stuck, ["stuck@example.org"]), converse(quick, addresses)]
    )
    assert [str(failure) for failure in failures] == ["rcpt: timed_out"]
    assert [message.rcpt for message in server.accepted] == addresses


def test_a_half_open_server_is_given_up(connection_to) -> None:
    """It takes the connection, by its kernel, and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        class Silent:
            host, port = listener.getsockname()

        connection = connection_to(Silent, IMPATIENT)
        (failure,) = drive_all([connection.open()])
    assert (failure.phase, failure.detail) == (Phase.BANNER, "timed_out")


def test_a_socket_is_ready_even_if_the_deadline_has_passed() -> None:
    here, there = socket.socketpair()
    with here, there:
        past = time.monotonic() - 1
        assert not is_ready(Wait(here, selectors.EVENT_READ, past))
        there.send(b"x")
        assert is_ready(Wait(here, selectors.EVENT_READ, past))


def test_the_value_of_a_conversation_is_returned() -> None:
    def conversation():
        return 42
        yield

    assert drive(conversation()) == 42
