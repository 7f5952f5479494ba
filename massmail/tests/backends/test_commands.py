"""Nothing can be smuggled into a command."""

from __future__ import annotations

import pytest

from massmail.backends.commands import Transaction
from massmail.backends.smtp import Phase, Server, drive
from massmail.tests.backends.clients import (
    MESSAGE,
    RECIPIENT,
    SENDER,
    facts,
    failure_of,
    send,
)

HOSTILE = [
    "bob@example.org\r\nRCPT TO:<eve@example.org>",
    "bob@example.org\nDATA",
    "bob@example.org\r",
    "bob\0@example.org",
    "bob\x7f@example.org",
    "bob@example.org> SIZE=1",
    "<bob@example.org",
    "bob smith@example.org",
    "bob@example.org ORCPT=x",
    '"a\r\nb"@example.org',
    '"a>b"@example.org',
    '"a\\\r"@example.org',
    "bob\u2028@example.org",
    "bob",
    "@example.org",
    "bob@",
    "",
]


@pytest.mark.parametrize("address", HOSTILE)
def test_what_is_no_address_never_reaches_the_wire(
    start_server, opened, address
) -> None:
    server = start_server()
    connection = opened(server)
    before = list(server.commands)
    with pytest.raises(ValueError, match="recipient"):
        drive(connection.begin(SENDER, address, 1))
    if address:
        with pytest.raises(ValueError, match="sender"):
            drive(connection.begin(address, RECIPIENT, 1))
    assert server.commands == before
    assert connection.usable
    send(connection)
    assert len(server.accepted) == 1


@pytest.mark.parametrize(
    "address",
    [
        "o'brien+tag=1@example.org",
        '"bob smith"@example.org',
        '"a\\"b"@example.org',
        "bob@[192.0.2.1]",
        "x" * 64 + "@" + "y" * 60 + ".org",
    ],
)
def test_unusual_addresses_are_sent_as_they_are(start_server, opened, address) -> None:
    server = start_server()
    send(opened(server), to=address)
    assert [message.rcpt for message in server.accepted] == [address]


def test_the_null_sender_is_a_sender(start_server, opened) -> None:
    server = start_server()
    connection = opened(server)
    drive(connection.begin("", RECIPIENT, 1))
    drive(connection.finish(MESSAGE))
    assert server.accepted[0].mail_from == ""


def test_letters_outside_ascii_are_refused_here(start_server, opened) -> None:
    server = start_server()
    connection = opened(server)
    before = list(server.commands)
    recipient = failure_of(lambda: send(connection, to="jürgen@example.org"))
    assert facts(recipient) == (Phase.RCPT, None)
    assert recipient.detail == "recipient_not_ascii"
    sender = failure_of(lambda: drive(connection.begin("é@example.com", RECIPIENT, 1)))
    assert facts(sender) == (Phase.MAIL, None)
    assert sender.detail == "sender_not_ascii"
    assert server.commands == before
    assert connection.usable


def test_an_address_that_cannot_be_announced_spoils_no_other_message(
    start_server, opened
) -> None:
    server = start_server()
    connection = opened(server)
    for address in ("jürgen@example.org", "a\r\nb@example.org"):
        drive(connection.begin(SENDER, RECIPIENT, len(MESSAGE)))
        drive(connection.finish(MESSAGE, then=(SENDER, address, 1)))
    send(connection)
    assert len(server.accepted) == 3


@pytest.mark.parametrize("name", ["a b", "a\r\nMAIL", "é.example", "x" * 256])
def test_an_ehlo_name_is_one_word(name) -> None:
    with pytest.raises(ValueError, match="EHLO"):
        Server("h", 25, ehlo_name=name)


def test_the_choice_of_security_is_checked() -> None:
    with pytest.raises(ValueError, match="ssl"):
        Server("h", 465, "ssl")


def test_a_transaction_writes_its_commands() -> None:
    transaction = Transaction(SENDER, RECIPIENT, 10)
    assert transaction.mail_command(with_size=False) == (
        b"MAIL FROM:<ann@example.com>\r\n"
    )
    assert transaction.rcpt_command() == b"RCPT TO:<bob@example.org>\r\n"
