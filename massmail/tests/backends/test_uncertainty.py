"""Around the final dot: safe to send again, clearly refused, or uncertain."""

from __future__ import annotations

import time

import pytest

from massmail.backends.smtp import Phase, drive
from massmail.tests.backends.clients import (
    IMPATIENT,
    MESSAGE,
    RECIPIENT,
    SENDER,
    facts,
    failure_of,
    send,
)
from massmail.tests.smtp_server import Fault


def test_a_drop_in_the_content_is_safe_to_retry(start_server, opened) -> None:
    server = start_server(faults=[Fault(Phase.BODY, drop="reset")])
    connection = opened(server)
    drive(connection.begin(SENDER, RECIPIENT, 5_000_000))
    # More than the kernel takes on trust, so that the dot cannot be among it.
    failure = failure_of(lambda: drive(connection.finish(b"x\r\n" * 10_000_000)))
    assert facts(failure) == (Phase.BODY, None)
    assert not failure.after_dot
    assert not connection.handed_over
    assert server.wait_until_idle()
    assert server.accepted == []


def test_a_server_that_reads_no_more_is_safe_to_retry(start_server, opened) -> None:
    server = start_server(faults=[Fault(Phase.BODY, hang=True)])
    connection = opened(server, IMPATIENT)
    drive(connection.begin(SENDER, RECIPIENT, 5_000_000))
    finishing = connection.finish(b"x\r\n" * 10_000_000)
    next(finishing)
    failure = failure_of(lambda: finishing.throw(TimeoutError()))
    assert facts(failure) == (Phase.BODY, None)
    assert not connection.handed_over
    assert not connection.usable


def test_a_server_that_went_before_the_content_is_safe_to_retry(
    start_server, opened
) -> None:
    server = start_server(faults=[Fault(Phase.BODY, drop="close")])
    connection = opened(server)
    drive(connection.begin(SENDER, RECIPIENT, len(MESSAGE)))
    assert server.wait_until_idle()
    failure = failure_of(lambda: drive(connection.finish(MESSAGE)))
    assert facts(failure) == (Phase.BODY, None)
    assert not connection.handed_over


def test_a_server_that_gives_up_before_the_content_says_why(
    start_server, opened
) -> None:
    fault = Fault(Phase.BODY, reply="421 4.4.2 you are too slow")
    server = start_server(faults=[fault])
    connection = opened(server)
    drive(connection.begin(SENDER, RECIPIENT, len(MESSAGE)))
    assert server.wait_until_idle()
    failure = failure_of(lambda: drive(connection.finish(MESSAGE)))
    assert facts(failure) == (Phase.BODY, 421)
    assert not connection.handed_over
    assert not connection.usable


@pytest.mark.parametrize("after_accept", [False, True])
@pytest.mark.parametrize("drop", ["close", "reset"])
def test_a_drop_after_the_dot_is_uncertain(
    start_server, opened, after_accept, drop
) -> None:
    fault = Fault(Phase.DOT, drop=drop, after_accept=after_accept)
    server = start_server(faults=[fault])
    connection = opened(server)
    failure = failure_of(lambda: send(connection))
    assert facts(failure) == (Phase.DOT, None)
    assert failure.after_dot
    assert connection.handed_over
    assert connection.phase is Phase.DOT
    assert not connection.usable
    assert server.wait_until_idle()
    assert len(server.accepted) == after_accept


def test_silence_after_the_dot_is_uncertain(start_server, opened) -> None:
    server = start_server(faults=[Fault(Phase.DOT, hang=True, after_accept=True)])
    connection = opened(server, IMPATIENT)
    failure = failure_of(lambda: send(connection))
    assert failure.after_dot
    assert failure.detail == "timed_out"
    assert not connection.usable


@pytest.mark.parametrize("reply", ["354 more?", "hello", "250-1\r\n251 2", "99 x"])
def test_nonsense_after_the_dot_is_uncertain(start_server, opened, reply) -> None:
    server = start_server(faults=[Fault(Phase.DOT, reply=reply)])
    connection = opened(server)
    failure = failure_of(lambda: send(connection))
    assert facts(failure) == (Phase.DOT, None)
    assert failure.after_dot
    assert failure.detail.startswith("protocol_error: ")
    assert not connection.usable


def test_a_shutdown_after_the_dot_is_a_clear_refusal(start_server, opened) -> None:
    fault = Fault(Phase.DOT, reply="421 4.3.2 shutting down")
    connection = opened(start_server(faults=[fault]))
    failure = failure_of(lambda: send(connection))
    assert facts(failure) == (Phase.DOT, 421)
    assert not failure.after_dot
    assert not connection.usable


def test_an_abandoned_message_closes_the_connection(start_server, opened) -> None:
    server = start_server(faults=[Fault(Phase.DOT, hang=True)])
    connection = opened(server)
    drive(connection.begin(SENDER, RECIPIENT, len(MESSAGE)))
    finishing = connection.finish(MESSAGE)
    next(finishing)
    assert connection.handed_over
    finishing.close()
    assert not connection.usable
    assert connection.handed_over


def test_a_slow_answer_is_awaited(start_server, opened) -> None:
    fault = Fault(Phase.DOT, delay_seconds=0.3, after_accept=True)
    server = start_server(faults=[fault])
    assert send(opened(server)).code == 250


def test_the_dot_is_not_written_after_its_time(start_server, opened) -> None:
    server = start_server()
    connection = opened(server)
    drive(connection.begin(SENDER, RECIPIENT, len(MESSAGE)))
    past = time.monotonic() - 1
    failure = failure_of(lambda: drive(connection.finish(MESSAGE, dot_before=past)))
    assert facts(failure) == (Phase.BODY, None)
    assert not connection.handed_over
    assert server.wait_until_idle()
    assert server.accepted == []
