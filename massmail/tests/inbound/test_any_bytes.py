"""Mail that comes back is anybody's bytes: none of them raises, none takes long."""

from __future__ import annotations

import logging
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from massmail.inbound import classifier, fallback, identifiers, lookup, mime
from massmail.inbound.kinds import ReturnKind, kind_of
from massmail.inbound.parser import parse
from massmail.inbound.processing import mark_of
from massmail.orchestrator.returns import receive
from massmail.tests.factories import NOW
from massmail.tests.inbound.returned import names_of_samples, sample, sent_mail

MEGABYTE = 2**20
PIECES = (
    *(b"\n", b"\n\n", b"--", b"=?utf-8?b?", b"?=", b"\x00", b"\xff", b";", b"<", b">"),
    *(b"boundary=", b"charset=idna", b"charset=unicode_escape", b"charset=utf-16"),
    *(
        b"base64",
        b"quoted-printable",
        b"message/rfc822",
        b"multipart/mixed",
        b"rfc822;",
    ),
    *(b"\xe2\x80\xa8", b"\\x{110000}", b"\\x{d800}", b"+00", b"\xed\xa0\x80"),
)


@pytest.fixture(autouse=True)
def no_error_is_hidden(monkeypatch):
    """`receive` would tell the log alone."""

    def complain(self, message, *args, **options):
        raise AssertionError(message) from options.get("exc_info") or None

    monkeypatch.setattr(logging.Logger, "exception", complain)


def look_at(raw):
    """All that is done with a mail before the database is asked."""
    mail = parse(raw)
    kind = kind_of(mail)
    identifiers.candidates(mail, kind)
    identifiers.returned_tokens(mail)
    identifiers.senders(mail)
    mark_of(mail)
    told = [classifier.told_by(report) for report in mail.reports]
    told.append(classifier.told_in_words(mail, fallback.failing_addresses(raw)))
    for one in told:
        for spellings in one.addresses:
            lookup.keys_of(spellings)
        assert classifier.failure_of(one.status, one.words).reason
    return mail


def mangled(seed):
    """A sample with pieces cut out, put in, and taken from another one."""
    chance = random.Random(seed)
    raw = bytearray(sample(chance.choice(names_of_samples())))
    for _ in range(chance.randrange(1, 10)):
        place = chance.randrange(len(raw) + 1)
        match chance.randrange(4):
            case 0:
                del raw[place : place + chance.randrange(40)]
            case 1:
                raw[place:place] = chance.choice(PIECES)
            case 2:
                raw[place:place] = chance.randbytes(chance.randrange(8))
            case 3:
                other = sample(chance.choice(names_of_samples()))
                start = chance.randrange(len(other))
                raw[place:place] = other[start : start + chance.randrange(300)]
    return bytes(raw)


@given(st.binary(max_size=300))
def test_any_bytes_are_read(raw):
    assert look_at(raw).problem == ""


@settings(max_examples=150)
@given(st.integers(0, 2**32))
def test_mangled_samples_are_read(seed):
    assert look_at(mangled(seed)).problem == ""


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(40))
def test_mangled_samples_change_no_mail_but_their_own(seed):
    sent_mail()
    other = sent_mail(message_id="<other@example.com>", recipient__email="a@b.example")

    receive(mangled(seed), now=NOW)

    assert not other.events.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("word", ["\x00", "\ud800", "\u2028", "\x85", "x" * 2000])
@pytest.mark.parametrize("name", ["postfix_unknown_user", "apple_mail_reply", "qmail"])
def test_what_no_database_takes_is_not_given_to_it(name, word):
    delivery = sent_mail()
    bad = word.encode("utf-8", "surrogatepass")
    raw = sample(name, delivery).replace(b"User unknown", b"User " + bad + b" unknown")
    raw = raw.replace(b"Subject: ", b"Subject: " + bad).replace(b"Sorry, ", b"So" + bad)

    receive(raw, now=NOW)

    [event] = delivery.events.all()
    assert "\x00" not in event.detail
    assert len(event.detail) <= 500


MULTIPART = b"Content-Type: multipart/mixed; boundary=a%d\n\n--a%d\n"
FROM_A_SERVER = b"From: mailer-daemon@example.org\nContent-Type: text/plain\n\n"
REPORT = (
    b"Content-Type: multipart/report; boundary=a\n\n--a\n"
    b"Content-Type: message/delivery-status\n\nFinal-Recipient: x@example.org\n\n"
)
BOMBS = {
    "parts": b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--a\n\nx\n" * 100_000,
    "depth": b"".join(MULTIPART % (level, level) for level in range(20_000)),
    "size": b"Subject: x\n\n" + bytes(mime.MOST_BYTES),
}
LONG = {
    "fields": b"a: b\n" * (MEGABYTE // 5),
    "a field": b"Subject: " + b"=?utf-8?q?a?= " * (MEGABYTE // 14),
    "a thread": b"References: " + b"<a@b> " * (MEGABYTE // 6) + b"\n\nx",
    "parameters": b"Content-Type: multipart/mixed" + b';a="' * (MEGABYTE // 4),
    "tags": b"Content-Type: text/html\n\n" + b"<style" * (MEGABYTE // 6),
    "empty lines": FROM_A_SERVER + b"\n > " * (MEGABYTE // 4),
    "codes": FROM_A_SERVER + b"5.1.1" * (MEGABYTE // 5),
    "brackets": FROM_A_SERVER + b"Hi. This is the\n\n" + b"<" * MEGABYTE,
    "groups": REPORT + b"a: b\n\n" * (MEGABYTE // 6),
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_is_larger_than_any_report_is_unknown(name):
    mail = parse(BOMBS[name])

    assert mail.problem.startswith(("more than", "nested deeper", "larger than"))
    assert kind_of(mail) == ReturnKind.UNKNOWN
    assert receive(BOMBS[name], now=NOW).detail == mail.problem


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", LONG)
def test_a_long_mail_is_read_in_a_moment(name):
    assert look_at(LONG[name]).problem == ""


def test_of_a_big_reply_the_head_is_enough():
    raw = sample("apple_mail_reply").replace(b"Thank you!", b"x" * (3 * MEGABYTE))

    mail = parse(raw)

    assert kind_of(mail) == ReturnKind.REPLY
    assert identifiers.answered_ids(mail)[0] == (
        "<5f2c1a9be07d4436a1c84e9d70b3f612@example.com>"
    )
