"""The same against a server of others: Dovecot, as it stands behind many providers."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from django.utils import timezone

from massmail.models import MailboxFolder
from massmail.orchestrator.polling import poll_mailbox
from massmail.tests.factories import DeliveryFactory
from massmail.tests.mailboxes.conftest import account_at, bounce, private
from massmail.tests.mailboxes.dovecot import PASSWORD, Dovecot

pytestmark = [pytest.mark.dovecot, pytest.mark.django_db]


@pytest.fixture(scope="module")
def dovecot(certificates):
    # pytest's own folder is closed to the user that Dovecot becomes.
    folder = tempfile.TemporaryDirectory(prefix="massmail-dovecot-")
    with folder as name, Dovecot(Path(name), certificates).running() as dovecot:
        yield dovecot


def account_of(dovecot: Dovecot, user: str, **fields: object):
    login = {"email_host_user": user, "email_host_password": PASSWORD}
    place = {"imap_host": "127.0.0.1", "imap_port": dovecot.tls_port, "security": "tls"}
    return account_at(None, **login | place | fields)


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_mailbox_is_read_without_a_trace(dovecot, receiver, trusted, security):
    port = dovecot.tls_port if security == "tls" else dovecot.starttls_port
    account = account_of(dovecot, security, imap_port=port, security=security)
    assert poll_mailbox(account.pk).state == "read"
    row = DeliveryFactory(
        email_account=account,
        mailing__owner=account.owner,
        status="uncertain",
        message_id="<1.news@example.com>",
        sending_at=timezone.now(),
    )
    mails = dovecot.maildir(security)
    mails.deliver(bounce("first"), "1.a.host")
    mails.deliver(private(), "2.b.host")
    mails.deliver(bounce("huge", body="x\r\n" * 1_000_000), "3.c.host")
    mails.deliver(bounce("junk"), "4.d.host", "Spam")
    copy = b"Message-ID: <1.news@example.com>\r\nSubject: news\r\n\r\nhello"
    mails.deliver(copy, "5.e.host", "&BB4EQgQ,BEAEMAQyBDsENQQ9BD0ESwQ1-")

    poll = poll_mailbox(account.pk)

    assert (poll.state, poll.looked_at, poll.proved) == ("read", 4, 1)
    assert sorted(receiver.subjects) == ["first", "huge", "junk"]
    assert max(len(raw) for raw in receiver.mails) == 2**20
    row.refresh_from_db()
    assert row.status == "sent"
    assert mails.flags() <= {"", "2,"}
    assert poll_mailbox(account.pk).looked_at == 0


def test_a_wrong_password_is_refused(dovecot, receiver, trusted):
    account = account_of(dovecot, "bob", email_host_password="wrong")

    assert poll_mailbox(account.pk).reason == "login_refused"


def test_its_numbers_begin_anew(dovecot, receiver, trusted):
    account = account_of(dovecot, "zoe")
    poll_mailbox(account.pk)
    dovecot.maildir("zoe").deliver(bounce("first"), "1.a.host")
    poll_mailbox(account.pk)
    before = MailboxFolder.objects.get(name="INBOX").uid_validity
    dovecot.maildir("zoe").renumber()

    poll_mailbox(account.pk)

    assert MailboxFolder.objects.get(name="INBOX").uid_validity == before + 1
    assert receiver.subjects == ["first", "first"]
