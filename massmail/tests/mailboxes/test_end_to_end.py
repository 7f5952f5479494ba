"""From the mailbox to the ledger, with nothing in between that is not real."""

from __future__ import annotations

from collections import Counter

import pytest
from django.utils import timezone

from massmail.models import Delivery, DeliveryEvent, MailboxFolder, SuppressedAddress
from massmail.orchestrator import returns
from massmail.orchestrator.polling import poll_mailbox
from massmail.tests.factories import DeliveryFactory
from massmail.tests.inbound.returned import names_of_samples, sample, sent_mail
from massmail.tests.inbound.test_samples import EXPECTED
from massmail.tests.mailboxes.conftest import account_at, later

MESSAGE_ID = "<0123456789abcdef0123456789abcdef@example.com>"


@pytest.fixture
def row(db, server):
    account = account_at(server)
    poll_mailbox(account.pk)
    return DeliveryFactory(
        email_account=account,
        mailing__owner=account.owner,
        status="sent",
        message_id=MESSAGE_ID,
        sending_at=timezone.now(),
        sent_at=timezone.now(),
        result_at=timezone.now(),
    )


def report(row: Delivery) -> bytes:
    lines = [
        "From: MAILER-DAEMON@mx.example.net",
        "Subject: Undelivered Mail Returned to Sender",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
        "",
        "--b",
        "Content-Type: text/plain",
        "",
        "Sorry.",
        "--b",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; mx.example.net",
        "",
        f"Final-Recipient: rfc822; {row.address}",
        "Action: failed",
        "Status: 5.1.1",
        "Diagnostic-Code: smtp; 550 5.1.1 no such user",
        "",
        "--b",
        "Content-Type: text/rfc822-headers",
        "",
        f"Message-ID: {row.message_id}",
        "",
        "--b--",
    ]
    return "\r\n".join(lines).encode()


def test_a_bounce_in_the_mailbox_reaches_the_ledger_and_the_dont_mail_list(row, server):
    server.deliver(report(row))

    poll = poll_mailbox(row.email_account_id)

    assert poll.kinds == {"bounce": 1}
    event = DeliveryEvent.objects.get(delivery=row)
    assert event.kind == "bounced"
    assert SuppressedAddress.objects.covers(row.address)


@pytest.mark.django_db
def test_no_sample_of_what_comes_back_is_passed_by(server):
    """By its header alone each is taken for what may be ours, and read whole."""
    row = sent_mail()
    account = account_at(server, owner=row.email_account.owner)
    poll_mailbox(account.pk)
    for name in names_of_samples():
        raw = sample(name, row).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        server.deliver(raw)

    poll = poll_mailbox(account.pk)

    expected = Counter(kind for kind, *_rest in EXPECTED.values())
    expected.pop("unknown")
    assert (poll.looked_at, poll.kinds) == (len(EXPECTED), dict(expected))


def test_killed_before_it_was_noted_as_read_it_counts_once(row, server, monkeypatch):
    server.deliver(report(row))
    move_on = MailboxFolder.objects.move_on
    monkeypatch.setattr(MailboxFolder.objects, "move_on", killed)
    with pytest.raises(SystemExit):
        poll_mailbox(row.email_account_id)
    monkeypatch.setattr(MailboxFolder.objects, "move_on", move_on)

    poll_mailbox(row.email_account_id, now=later(minutes=10))

    assert DeliveryEvent.objects.filter(delivery=row, kind="bounced").count() == 1
    assert MailboxFolder.objects.get().last_uid == 1


def killed(*args: object, **kwargs: object) -> None:
    raise SystemExit


def test_a_reply_is_an_answer(row, server):
    reply = f"From: {row.address}\r\nSubject: Re: news\r\nIn-Reply-To: {MESSAGE_ID}"
    server.deliver(f"{reply}\r\n\r\nThank you.".encode())

    assert poll_mailbox(row.email_account_id).kinds == {"reply": 1}
    assert DeliveryEvent.objects.get(delivery=row).kind == "replied"


def test_private_mail_is_never_handed_in(row, server, monkeypatch):
    seen = []
    monkeypatch.setattr(returns, "parse", seen.append)
    server.deliver(b"From: bob@example.org\r\nSubject: dinner\r\n\r\nat eight")

    assert poll_mailbox(row.email_account_id).looked_at == 1
    assert seen == []
