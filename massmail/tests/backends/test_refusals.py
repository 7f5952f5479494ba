"""A refusal ends a message, not the connection."""

from __future__ import annotations

import pytest

from massmail.backends.smtp import Phase, drive
from massmail.tests.backends.clients import (
    MESSAGE,
    RECIPIENT,
    SENDER,
    facts,
    failure_of,
    send,
)
from massmail.tests.smtp_server import Fault, Offer

BOTH = [Offer(pipelining=True), Offer(pipelining=False)]
ENVELOPE = [Phase.MAIL, Phase.RCPT, Phase.DATA]


@pytest.mark.parametrize("offer", BOTH)
@pytest.mark.parametrize("phase", [*ENVELOPE, Phase.DOT])
@pytest.mark.parametrize("reply", ["450 4.2.0 later", "550 5.0.0 never"])
def test_the_next_message_goes_through(
    start_server, opened, offer, phase, reply
) -> None:
    server = start_server(faults=[Fault(phase, times=1, reply=reply)], offer=offer)
    connection = opened(server)
    failure = failure_of(lambda: send(connection))
    assert facts(failure) == (phase, int(reply[:3]))
    assert str(failure.reply) == reply
    assert connection.usable
    assert server.accepted == []
    send(connection, to="carol@example.org")
    assert [message.rcpt for message in server.accepted] == ["carol@example.org"]


@pytest.mark.parametrize("offer", BOTH)
def test_the_first_refusal_is_the_one_that_counts(start_server, opened, offer) -> None:
    faults = [
        Fault(Phase.MAIL, reply="451 4.3.0 first"),
        Fault(Phase.RCPT, reply="550 5.1.1 second"),
        Fault(Phase.DATA, reply="554 5.5.1 third"),
    ]
    connection = opened(start_server(faults=faults, offer=offer))
    assert facts(failure_of(lambda: send(connection))) == (Phase.MAIL, 451)
    assert connection.usable


def test_a_lone_dot_ends_content_that_nobody_wanted(start_server, opened) -> None:
    fault = Fault(Phase.RCPT, times=1, reply="550 5.1.1 unknown")
    server = start_server(faults=[fault], offer=Offer(data_without_recipients=True))
    connection = opened(server)
    failure = failure_of(lambda: send(connection))
    assert facts(failure) == (Phase.RCPT, 550)
    assert connection.usable
    assert server.accepted == []
    send(connection)
    assert [message.content for message in server.accepted] == [MESSAGE]


def test_no_lone_dot_where_it_would_deliver_an_empty_message(
    start_server, opened
) -> None:
    server = start_server()
    connection = opened(server)
    # A server that refuses MAIL in words, yet goes on as if it had not.
    server.script.add(Fault(Phase.MAIL, reply="250-a\r\n250 b"))
    begin = connection.begin(SENDER, RECIPIENT, 1)
    dialogue = connection._session
    read = dialogue.read

    def refuse_mail(phase, seconds=None):
        reply = yield from read(phase, seconds)
        if phase is Phase.MAIL:
            return type(reply)(550, "", "no")
        return reply

    dialogue.read = refuse_mail
    assert facts(failure_of(lambda: drive(begin))) == (Phase.MAIL, 550)
    assert not connection.usable
    assert server.wait_until_idle()
    assert server.accepted == []


def test_a_refusal_survives_the_loss_of_the_connection(start_server, opened) -> None:
    faults = [
        Fault(Phase.RCPT, reply="550 5.1.1 unknown"),
        Fault(Phase.DATA, drop="close"),
    ]
    offer = Offer(data_without_recipients=True)
    connection = opened(start_server(faults=faults, offer=offer))
    assert facts(failure_of(lambda: send(connection))) == (Phase.RCPT, 550)
    assert not connection.usable


def test_an_answer_out_of_step_closes_the_connection(start_server, opened) -> None:
    fault = Fault(Phase.MAIL, times=1, reply="250 2.1.0 one\r\n250 2.1.0 too many")
    server = start_server(faults=[fault])
    connection = opened(server)
    failure = failure_of(lambda: send(connection))
    assert facts(failure) == (Phase.DATA, None)
    assert failure.detail.startswith("protocol_error: 250")
    assert not connection.usable
    assert server.wait_until_idle()
    assert server.accepted == []


def test_an_answer_before_the_dot_is_not_taken_for_the_answer_to_it(
    start_server, opened
) -> None:
    fault = Fault(Phase.DATA, reply="354 go on\r\n250 2.0.0 queued")
    server = start_server(faults=[fault])
    connection = opened(server)
    failure = failure_of(lambda: send(connection))
    assert facts(failure) == (Phase.BODY, 250)
    assert not connection.handed_over
    assert not connection.usable
    assert server.wait_until_idle()
    assert server.accepted == []


def test_a_refused_envelope_is_reset_with_the_next_one(start_server, opened) -> None:
    fault = Fault(Phase.RCPT, times=1, reply="550 5.1.1 unknown")
    server = start_server(faults=[fault])
    connection = opened(server)
    failure_of(lambda: send(connection))
    send(connection)
    send(connection)
    assert server.commands.count("RSET") == 1


def test_an_envelope_that_was_sent_ahead_can_be_refused(start_server, opened) -> None:
    fault = Fault(Phase.RCPT, to="gone@*", reply="550 5.1.1 unknown")
    server = start_server(faults=[fault])
    connection = opened(server)
    gone = (SENDER, "gone@example.org", len(MESSAGE))
    drive(connection.begin(SENDER, RECIPIENT, len(MESSAGE)))
    drive(connection.finish(MESSAGE, then=gone))
    assert facts(failure_of(lambda: drive(connection.begin(*gone)))) == (
        Phase.RCPT,
        550,
    )
    send(connection, to="carol@example.org")
    assert [m.rcpt for m in server.accepted] == [RECIPIENT, "carol@example.org"]


def test_an_explicit_reset_forgets_the_envelope(start_server, opened) -> None:
    fault = Fault(Phase.RCPT, times=1, reply="550 5.1.1 unknown")
    server = start_server(faults=[fault])
    connection = opened(server)
    failure_of(lambda: send(connection))
    drive(connection.reset())
    send(connection)
    assert server.commands.count("RSET") == 1


def test_a_probe_reports_the_refused_recipient(start_server, opened) -> None:
    fault = Fault(Phase.RCPT, times=1, reply="550 5.1.1 unknown")
    server = start_server(faults=[fault])
    connection = opened(server)
    failure = failure_of(lambda: drive(connection.probe(SENDER, RECIPIENT)))
    assert facts(failure) == (Phase.RCPT, 550)
    send(connection)
    assert len(server.accepted) == 1
