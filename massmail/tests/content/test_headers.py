"""Header fields byte by byte, and what they refuse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massmail.content.headers import (
    Envelope,
    Sender,
    envelope_fields,
    mailbox_field,
    rfc5322_date,
    sender_fields,
    subject_field,
    wire_address,
)
from massmail.content.values import one_line
from massmail.exceptions import RenderError
from massmail.tests.content.messages import ENVELOPE

FAMILY = "👨‍👩‍👧‍👦"


@pytest.mark.parametrize(
    ("name", "address", "field"),
    [
        ("", "a@example.com", b"To: a@example.com\r\n"),
        ("Ann Smith", "a@example.com", b"To: Ann Smith <a@example.com>\r\n"),
        ("Smith, Ann", "a@example.com", b'To: "Smith, Ann" <a@example.com>\r\n'),
        ('A "B" \\', "a@example.com", b'To: "A \\"B\\" \\\\" <a@example.com>\r\n'),
        ("a@b.c", "a@example.com", b'To: "a@b.c" <a@example.com>\r\n'),
        (
            "=?utf-8?q?x?=",
            "a@example.com",
            b"To: =?utf-8?q?=3D=3Futf-8=3Fq=3Fx=3F=3D?= <a@example.com>\r\n",
        ),
        ("Jörg", "a@example.com", b"To: =?utf-8?q?J=C3=B6rg?= <a@example.com>\r\n"),
        ("Анна", "a@example.com", b"To: =?utf-8?b?0JDQvdC90LA=?= <a@example.com>\r\n"),
        ("A\r\nBcc: x@y.z", "a@example.com", b'To: "A Bcc: x@y.z" <a@example.com>\r\n'),
        ("Ann", "ann@bücher.example", b"To: Ann <ann@xn--bcher-kva.example>\r\n"),
        ("Ann", "ann@faß.example", b"To: Ann <ann@xn--fa-hia.example>\r\n"),
        ("Ann", '"a b"@example.com', b'To: Ann <"a b"@example.com>\r\n'),
    ],
)
def test_names_and_addresses(name, address, field):
    assert mailbox_field("To", name, address) == field


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ann",
        "@example.com",
        "ann@",
        "a b@example.com",
        "a..b@example.com",
        "ann@exa mple.com",
        "ann@-example.com",
        "ann@example.com\r\nBcc: x@example.com",
        "ann@example.com>",
        "ann@exämple\n.com",
        "jörg@example.com",
        "a,b@example.com",
        "a" * 65 + "@example.com",
        "a@" + "b" * 60 + ".example" * 30,
    ],
)
def test_what_is_no_address_is_refused(address):
    with pytest.raises(RenderError):
        wire_address(address)


@pytest.mark.parametrize(
    "name",
    [
        "x" * 300,
        "Ann " * 75,
        "é" * 300,
        "ما شاء الله " * 25,
        FAMILY * 40,
        "Doña " * 60,
        "x" * 67,
        "x" * 70 + "é",
    ],
)
def test_long_names_are_split_between_characters(name):
    field = mailbox_field("Reply-To", name, "ann@example.com")

    lines = field.decode("ascii").split("\r\n")
    words = [word for line in lines for word in line.split() if word.startswith("=?")]
    assert all(len(line) <= 76 for line in lines)
    assert all(len(word) <= 75 for word in words)
    assert "".join(str(make_header(decode_header(word))) for word in words) == (
        name.strip()
    )


@pytest.mark.parametrize(
    "subject",
    [
        "News",
        "",
        "News for you " * 20,
        "x" * 300,
        "two  spaces " * 20,
        "Neuigkeiten für Ännchen",
        "Новости " * 30,
        "🎉" * 100,
        "50% off = great? (yes_no)",
        "=?utf-8?q?not_an_encoded_word?=",
    ],
)
def test_subjects_come_back_as_they_were(subject):
    field = subject_field(subject).decode("ascii")

    lines = field.removesuffix("\r\n").split("\r\n")
    assert all(len(line) <= 76 for line in lines)
    assert all(line.startswith(" ") for line in lines[1:])
    value = "".join(lines).removeprefix("Subject: ")
    decoded = str(make_header(decode_header(value))) if "=?" in value else value
    assert decoded == subject


def test_a_subject_of_more_than_1000_characters_is_refused():
    with pytest.raises(RenderError):
        subject_field("x" * 1_001)


@given(st.text(max_size=120), st.integers(min_value=5, max_value=20))
def test_any_name_stays_in_its_field(name, field_length):
    field = mailbox_field("X" * field_length, name, "a@example.com").decode("ascii")

    lines = field.split("\r\n")
    assert lines.pop() == ""
    assert all(line.startswith(" ") for line in lines[1:])
    assert all(len(line) <= 76 for line in lines)
    assert "\n" not in "".join(lines)


@given(st.text(max_size=300).map(one_line))
def test_any_subject_stays_in_its_field(subject):
    lines = subject_field(subject).decode("ascii").split("\r\n")

    assert lines.pop() == ""
    assert all(line.startswith(" ") and line.strip() for line in lines[1:])
    assert all(len(line) <= 76 for line in lines)


@pytest.mark.parametrize(
    ("date", "text"),
    [
        (
            datetime(2024, 2, 29, 23, 5, 9, tzinfo=UTC),
            "Thu, 29 Feb 2024 23:05:09 +0000",
        ),
        (
            datetime(2024, 5, 6, tzinfo=timezone(timedelta(hours=-3, minutes=-30))),
            "Mon, 06 May 2024 00:00:00 -0330",
        ),
        (
            datetime(2024, 5, 6, tzinfo=timezone(timedelta(hours=5, minutes=45))),
            "Mon, 06 May 2024 00:00:00 +0545",
        ),
    ],
)
def test_dates(date, text):
    assert rfc5322_date(date) == text


def test_the_fields_of_one_copy():
    assert envelope_fields(ENVELOPE) == (
        b"To: Ann Smith <ann@example.org>\r\n"
        b"Date: Mon, 06 May 2024 07:08:09 +0000\r\n"
        b"Message-ID: <a1b2c3@example.com>\r\n"
        b"List-Unsubscribe: <https://news.example.com/u/abc123>\r\n"
        b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
        b"List-Id: <m1.news.example.com>\r\n"
        b"Feedback-ID: m1:news:example\r\n"
    )


def test_a_long_unsubscribe_address_is_not_folded():
    url = "https://news.example.com/u/" + "x" * 170

    fields = envelope_fields(ENVELOPE._replace(unsubscribe_url=url))

    assert f"\r\nList-Unsubscribe: <{url}>\r\n".encode() in fields


def test_fields_without_value_are_left_out():
    envelope = Envelope("", "a@example.com", "<a@b.c>", ENVELOPE.date)

    assert envelope_fields(envelope) == (
        b"To: a@example.com\r\n"
        b"Date: Mon, 06 May 2024 07:08:09 +0000\r\n"
        b"Message-ID: <a@b.c>\r\n"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"message_id": "a@example.com"},
        {"message_id": "<a@b>\r\nBcc: x@example.com"},
        {"message_id": ""},
        {"unsubscribe_url": "https://a.example/\r\nBcc: x"},
        {"unsubscribe_url": "https://a.example/>"},
        {"unsubscribe_url": "mailto:a@example.com"},
        {"unsubscribe_url": "https://a.example/" + "x" * 1_000},
        {"list_id": "<a.b>"},
        {"list_id": "a b"},
        {"feedback_id": "a:b:c:d:e"},
        {"feedback_id": "a\nb"},
        {"date": datetime(2024, 5, 6, tzinfo=UTC).replace(tzinfo=None)},
    ],
)
def test_an_envelope_that_would_break_the_header_is_refused(change):
    with pytest.raises(RenderError):
        envelope_fields(ENVELOPE._replace(**change))


def test_the_sender_may_want_answers_elsewhere():
    assert sender_fields(Sender("Jo", "jo@example.com", "office@example.com")) == (
        b"From: Jo <jo@example.com>\r\nReply-To: office@example.com\r\n"
    )
