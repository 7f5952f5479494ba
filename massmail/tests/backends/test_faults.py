"""A connection that breaks before the content says where, and sent nothing."""

from __future__ import annotations

import socket

import pytest

from massmail.backends.smtp import Phase, Server, SmtpConnection, drive
from massmail.tests.backends.clients import (
    IMPATIENT,
    MESSAGE,
    PATIENT,
    RECIPIENT,
    SENDER,
    facts,
    failure_of,
    send,
)
from massmail.tests.smtp_server import Fault, Offer

OPENING = [Phase.BANNER, Phase.EHLO]
ENVELOPE = [Phase.MAIL, Phase.RCPT, Phase.DATA]
BOTH = [Offer(pipelining=True), Offer(pipelining=False)]


@pytest.mark.parametrize(
    ("phase", "drop"),
    [(Phase.BANNER, "close"), (Phase.EHLO, "close"), (Phase.EHLO, "reset")],
)
def test_a_drop_while_opening(start_server, connection_to, phase, drop) -> None:
    connection = connection_to(start_server(faults=[Fault(phase, drop=drop)]))
    failure = failure_of(lambda: drive(connection.open()))
    assert facts(failure) == (phase, None)
    assert failure.detail.startswith("connection_lost: ")
    assert not connection.usable


@pytest.mark.parametrize("phase", OPENING)
def test_a_refusal_while_opening(start_server, connection_to, phase) -> None:
    fault = Fault(phase, reply="554-5.7.1 go\r\n554 5.7.1 away")
    connection = connection_to(start_server(faults=[fault]))
    failure = failure_of(lambda: drive(connection.open()))
    assert facts(failure) == (phase, 554)
    assert (failure.reply.enhanced, failure.reply.text) == ("5.7.1", "go away")
    assert not connection.usable


@pytest.mark.parametrize("phase", OPENING)
def test_silence_while_opening(start_server, connection_to, phase) -> None:
    connection = connection_to(
        start_server(faults=[Fault(phase, hang=True)]), IMPATIENT
    )
    failure = failure_of(lambda: drive(connection.open()))
    assert facts(failure) == (phase, None)
    assert failure.detail == "timed_out"
    assert not connection.usable


def test_a_drop_at_connect(start_server, connection_to) -> None:
    fault = Fault(Phase.CONNECT, drop="reset")
    connection = connection_to(start_server(faults=[fault]))
    failure = failure_of(lambda: drive(connection.open()))
    assert failure.phase in (Phase.CONNECT, Phase.BANNER)
    assert failure.reply is None


def test_nobody_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        server = Server("127.0.0.1", port, "none", allow_private_hosts=True)
        failure = failure_of(lambda: drive(SmtpConnection(server, PATIENT).open()))
    assert facts(failure) == (Phase.CONNECT, None)
    assert failure.detail == "connection_refused"


def test_connecting_takes_too_long(start_server, connection_to) -> None:
    opening = connection_to(start_server()).open()
    next(opening)
    failure = failure_of(lambda: opening.throw(TimeoutError()))
    assert facts(failure) == (Phase.CONNECT, None)
    assert failure.detail == "timed_out"


@pytest.mark.parametrize("offer", BOTH)
@pytest.mark.parametrize("drop", ["close", "reset"])
@pytest.mark.parametrize("phase", ENVELOPE)
def test_a_drop_in_the_envelope(start_server, opened, phase, drop, offer) -> None:
    server = start_server(faults=[Fault(phase, drop=drop)], offer=offer)
    connection = opened(server)
    failure = failure_of(lambda: send(connection))
    # A reset also takes the answers to what was pipelined before.
    phases = ENVELOPE if offer.pipelining and drop == "reset" else [phase]
    assert failure.phase in phases
    assert failure.reply is None
    assert not failure.after_dot
    assert not connection.handed_over
    assert not connection.usable
    assert server.accepted == []


@pytest.mark.parametrize("offer", BOTH)
@pytest.mark.parametrize("phase", ENVELOPE)
def test_silence_in_the_envelope(start_server, opened, phase, offer) -> None:
    server = start_server(faults=[Fault(phase, hang=True)], offer=offer)
    connection = opened(server, IMPATIENT)
    failure = failure_of(lambda: send(connection))
    assert facts(failure) == (phase, None)
    assert failure.detail == "timed_out"
    assert not connection.usable


@pytest.mark.parametrize("offer", BOTH)
@pytest.mark.parametrize("phase", ENVELOPE)
def test_a_server_that_shuts_down_in_the_envelope(
    start_server, opened, phase, offer
) -> None:
    fault = Fault(phase, reply="421 4.3.2 shutting down")
    connection = opened(start_server(faults=[fault], offer=offer))
    failure = failure_of(lambda: send(connection))
    assert facts(failure) == (phase, 421)
    assert not connection.usable


def test_a_connection_that_the_server_ended_meanwhile_says_so(
    start_server, opened
) -> None:
    server = start_server(offer=Offer(max_messages=1))
    connection = opened(server)
    send(connection)
    failure = failure_of(lambda: send(connection))
    assert facts(failure) == (Phase.MAIL, 421)
    assert not connection.usable
    again = failure_of(lambda: send(connection))
    assert facts(again) == (Phase.MAIL, None)
    assert len(server.accepted) == 1


def test_a_drop_while_the_next_envelope_is_on_its_way(start_server, opened) -> None:
    fault = Fault(Phase.DOT, drop="reset", after_accept=True)
    connection = opened(start_server(faults=[fault]))
    drive(connection.begin(SENDER, RECIPIENT, len(MESSAGE)))
    following = (SENDER, "carol@example.org", 1)
    failure = failure_of(lambda: drive(connection.finish(MESSAGE, then=following)))
    assert failure.after_dot
    assert facts(failure_of(lambda: drive(connection.begin(*following)))) == (
        Phase.MAIL,
        None,
    )
    assert not connection.handed_over


def test_quit_and_close_never_complain(start_server, opened, connection_to) -> None:
    server = start_server(faults=[Fault(Phase.QUIT, drop="reset")])
    connection = opened(server)
    drive(connection.quit())
    drive(connection.quit())
    connection.close()
    unopened = connection_to(server)
    unopened.close()
    drive(unopened.quit())
    assert not connection.usable
