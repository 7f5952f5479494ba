"""The catcher takes what an SMTP client hands over."""

from __future__ import annotations

import smtplib
import socket

import pytest

from crm.demo.catcher.server import unstuffed
from crm.demo.catcher.store import MailReader
from crm.demo.processes import Children


@pytest.fixture(scope="module")
def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def server(tmp_path_factory, port):
    """The catcher's process; the value is the reader of its store."""
    directory = tmp_path_factory.mktemp("catcher")
    with Children(directory / "log") as children:
        children.start("catcher", str(directory), str(port), port=port)
        yield MailReader(directory)


def conversation(port: int, sent: bytes) -> bytes:
    """All of it in one piece, the way a pipelining client may send it."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(sent)
        received = b""
        while data := client.recv(65536):
            received += data
    return received


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\r\n",
        b"Subject: Hi\r\n\r\n.\r\nA dot alone\r\n..two\r\nends.\r\n",
        b"Subject: Long\r\n\r\n" + b"x" * 5000 + b"\r\n",
        b".starts with a dot\r\n",
    ],
)
def test_it_keeps_the_very_bytes(server, port, content):
    stuffed = b"\r\n".join(
        b"." + line if line.startswith(b".") else line
        for line in content.split(b"\r\n")
    )

    answer = conversation(
        port,
        b"EHLO client\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\n"
        b"DATA\r\n" + stuffed + b".\r\nQUIT\r\n",
    )

    [mail] = server.page(offset=0, limit=1)
    assert f"250 2.0.0 caught as {mail.number}".encode() in answer
    assert server.raw(mail) == content


def test_it_offers_pipelining_and_takes_many_mails_on_one_line(server, port):
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.ehlo()
        assert client.has_extn("pipelining")
        for number in range(3):
            client.sendmail(
                "a@example.com",
                ["b@example.org"],
                f"Message-ID: <{number}@x>\r\nSubject: =?utf-8?q?S=C3=A1?=\r\n",
            )

    page = server.page(offset=0, limit=3)
    assert [mail.message_id for mail in page] == ["<2@x>", "<1@x>", "<0@x>"]
    assert {mail.subject for mail in page} == {"Sá"}


def test_each_recipient_gets_a_copy(server, port):
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.sendmail("a@example.com", ["b@x.example", "c@x.example"], "Hi\r\n")

    assert {mail.recipient for mail in server.page(offset=0, limit=2)} == {
        "b@x.example",
        "c@x.example",
    }


def test_data_without_a_recipient_is_refused(server, port):
    before = server.count()

    answer = conversation(port, b"EHLO client\r\nDATA\r\nQUIT\r\n")

    assert b"503 5.5.1" in answer
    assert server.count() == before


def test_a_line_that_breaks_before_the_dot_leaves_no_mail(server, port):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(
            b"EHLO client\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\n"
            b"DATA\r\nSubject: half\r\n"
        )
    with smtplib.SMTP("127.0.0.1", port) as other:
        other.sendmail("a@example.com", ["c@example.org"], "Subject: whole\r\n")

    subjects = [mail.subject for mail in server.page(offset=0, limit=99)]
    assert subjects[0] == "whole"
    assert "half" not in subjects


def test_only_doubled_dots_at_the_beginning_of_a_line_go():
    assert unstuffed(b"..a\r\n...b\r\nc..d\r\n") == b".a\r\n..b\r\nc..d\r\n"
