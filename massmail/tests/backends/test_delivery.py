"""Messages arrive as they were given."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massmail.backends.commands import dot_stuffed
from massmail.backends.smtp import Phase, drive
from massmail.tests.backends.clients import (
    MESSAGE,
    RECIPIENT,
    SENDER,
    send,
)
from massmail.tests.smtp_server import Offer

WITH_AND_WITHOUT_PIPELINING = [Offer(pipelining=True), Offer(pipelining=False)]


@pytest.mark.parametrize("offer", WITH_AND_WITHOUT_PIPELINING)
def test_a_message_arrives_with_its_envelope(start_server, opened, offer) -> None:
    server = start_server(offer=offer)
    connection = opened(server)
    reply = send(connection)
    assert (reply.code, reply.enhanced, reply.text) == (250, "2.0.0", "queued")
    (message,) = server.accepted
    assert (message.mail_from, message.rcpt) == (SENDER, RECIPIENT)
    assert message.content == MESSAGE
    assert connection.messages_sent == 1
    assert connection.usable


@pytest.mark.parametrize("offer", WITH_AND_WITHOUT_PIPELINING)
def test_one_connection_carries_many_messages(start_server, opened, offer) -> None:
    server = start_server(offer=offer)
    connection = opened(server)
    addresses = [f"r{number}@example.org" for number in range(20)]
    for address in addresses:
        send(connection, to=address)
    drive(connection.quit())
    assert [message.rcpt for message in server.accepted] == addresses
    assert server.connections == 1
    assert server.commands[-1] == "QUIT"
    assert not connection.usable


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\r\n",
        b".\r\n",
        b"..\r\n",
        b".\r\n.\r\n.\r\n",
        b"Subject: a\r\n\r\n.leading\r\n..two\r\nend.\r\n",
        b"a\r\n\r\n.\r\nQUIT\r\n",
        b"x" * 998 + b"\r\n",
        (b"." + b"y" * 70 + b"\r\n") * 30_000,
    ],
    ids=lambda payload: f"{payload[:8]!r}-{len(payload)}",
)
def test_received_bytes_are_the_sent_bytes(start_server, opened, payload) -> None:
    server = start_server()
    send(opened(server), payload)
    assert server.accepted[0].content == payload


def test_a_missing_last_line_end_is_added(start_server, opened) -> None:
    server = start_server()
    send(opened(server), b"Subject: a\r\n\r\nend")
    assert server.accepted[0].content == b"Subject: a\r\n\r\nend\r\n"


@given(st.lists(st.sampled_from([b".", b"a", b"\r\n", b"..", b"\xff"])))
def test_no_payload_holds_an_early_end(parts) -> None:
    stuffed = dot_stuffed(b"".join(parts))
    assert b"\r\n.\r\n" not in b"\r\n" + stuffed
    unstuffed = (b"\r\n" + stuffed).replace(b"\r\n.", b"\r\n")[2:]
    assert unstuffed.removesuffix(b"\r\n") == b"".join(parts).removesuffix(b"\r\n")


def test_the_envelope_goes_in_one_write_where_the_server_pipelines(
    start_server, opened
) -> None:
    server = start_server(keep_chunks=True)
    connection = opened(server)
    drive(connection.begin(SENDER, RECIPIENT, 30))
    assert server.chunks[-1] == (
        b"MAIL FROM:<ann@example.com> SIZE=30\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n"
    )


def test_commands_wait_for_each_answer_where_it_does_not(start_server, opened) -> None:
    server = start_server(offer=Offer(pipelining=False, size=None), keep_chunks=True)
    connection = opened(server)
    drive(connection.begin(SENDER, RECIPIENT, 30))
    assert server.chunks[-3:] == [
        b"MAIL FROM:<ann@example.com>\r\n",
        b"RCPT TO:<bob@example.org>\r\n",
        b"DATA\r\n",
    ]


def test_the_next_envelope_can_follow_the_dot_at_once(start_server, opened) -> None:
    server = start_server(keep_chunks=True)
    connection = opened(server)
    second = (SENDER, "carol@example.org", len(MESSAGE))
    drive(connection.begin(SENDER, RECIPIENT, len(MESSAGE)))
    drive(connection.finish(MESSAGE, then=second))
    assert server.chunks[-1].endswith(
        b"\r\n.\r\nMAIL FROM:"
        + (
            b"<ann@example.com> SIZE=%d\r\nRCPT TO:<carol@example.org>\r\nDATA\r\n"
            % len(MESSAGE)
        )
    )
    drive(connection.begin(*second))
    drive(connection.finish(MESSAGE))
    assert [m.rcpt for m in server.accepted] == [RECIPIENT, "carol@example.org"]


def test_an_announced_envelope_cannot_be_replaced(start_server, opened) -> None:
    connection = opened(start_server())
    drive(connection.begin(SENDER, RECIPIENT, len(MESSAGE)))
    drive(connection.finish(MESSAGE, then=(SENDER, "carol@example.org", 1)))
    with pytest.raises(RuntimeError, match="announced"):
        drive(connection.begin(SENDER, "dave@example.org", 1))


def test_announcing_is_harmless_without_pipelining(start_server, opened) -> None:
    server = start_server(offer=Offer(pipelining=False))
    connection = opened(server)
    drive(connection.begin(SENDER, RECIPIENT, len(MESSAGE)))
    drive(connection.finish(MESSAGE, then=(SENDER, "carol@example.org", 1)))
    send(connection, to="dave@example.org")
    assert [message.rcpt for message in server.accepted] == [
        RECIPIENT,
        "dave@example.org",
    ]


def test_content_can_be_written_ahead_of_the_dot(start_server, opened) -> None:
    server = start_server()
    connection = opened(server)
    drive(connection.begin(SENDER, RECIPIENT, len(MESSAGE)))
    drive(connection.write(MESSAGE))
    drive(connection.write(b".more\r\n"))
    assert not connection.handed_over
    assert server.accepted == []
    drive(connection.finish())
    assert connection.handed_over
    assert server.accepted[0].content == MESSAGE + b".more\r\n"


def test_a_message_must_be_begun_before_it_is_finished(start_server, opened) -> None:
    connection = opened(start_server())
    with pytest.raises(RuntimeError, match="No message"):
        drive(connection.finish(MESSAGE))
    drive(connection.begin(SENDER, RECIPIENT, 1))
    with pytest.raises(RuntimeError, match="not finished"):
        drive(connection.begin(SENDER, RECIPIENT, 1))


def test_leaving_a_begun_message_sends_nothing(start_server, opened) -> None:
    server = start_server()
    connection = opened(server)
    drive(connection.begin(SENDER, RECIPIENT, 1))
    drive(connection.quit())
    assert not connection.usable
    assert server.wait_until_idle()
    assert server.accepted == []
    assert "QUIT" not in server.commands


def test_a_probe_asks_without_sending(start_server, opened) -> None:
    server = start_server()
    connection = opened(server)
    drive(connection.probe(SENDER, RECIPIENT))
    assert server.commands[-3:] == [
        "MAIL FROM:<ann@example.com> SIZE=0",
        "RCPT TO:<bob@example.org>",
        "RSET",
    ]
    assert connection.phase is Phase.RSET
    send(connection)
    assert len(server.accepted) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_ehlo_gives_the_address_of_the_local_end(start_server, opened, host) -> None:
    server = start_server(host=host)
    opened(server)
    literals = {"127.0.0.1": "EHLO [127.0.0.1]", "::1": "EHLO [IPv6:::1]"}
    assert server.commands == [literals[host]]


def test_ehlo_gives_the_configured_name(start_server, opened) -> None:
    server = start_server()
    opened(server, ehlo_name="mail.example.com")
    assert server.commands == ["EHLO mail.example.com"]


def test_helo_serves_where_ehlo_is_unknown(start_server, opened) -> None:
    server = start_server(offer=Offer(knows_ehlo=False))
    connection = opened(server)
    assert connection.features == {}
    send(connection)
    assert [message.content for message in server.accepted] == [MESSAGE]


def test_the_offer_of_the_server_is_known(start_server, opened) -> None:
    connection = opened(start_server())
    assert connection.features["SIZE"] == "50000000"
    assert connection.features["AUTH"] == "PLAIN LOGIN"
    assert not connection.tls
