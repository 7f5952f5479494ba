"""A mailbox that cannot be read: when it is tried again, and who is told."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from massmail.models import Alert, EmailAccount, Mailbox
from massmail.models.alert import mailbox_cause
from massmail.orchestrator import polling
from massmail.orchestrator.polling import due_mailboxes, poll_mailbox
from massmail.orchestrator.send import send_account_queue
from massmail.tests.factories import NOW, DeliveryFactory, EmailAccountFactory
from massmail.tests.imap_server import Fault
from massmail.tests.mailboxes.conftest import account_at, bounce
from massmail.tests.mailings import ready_settings
from massmail.tests.smtp_server import FaultServer

MINUTE = dt.timedelta(minutes=1)


@pytest.fixture(autouse=True)
def rows(db, receiver):
    """All of it needs rows."""


def refuse(server) -> None:
    server.faults.append(Fault("AUTHENTICATE", reply="{tag} NO no", times=100))


def minutes_until(moment: dt.datetime) -> float:
    return (moment - timezone.now()) / MINUTE


def open_alerts() -> list[str]:
    return list(Alert.objects.filter(closed_at=None).values_list("text", flat=True))


def test_a_mailbox_is_due_at_first_and_every_five_minutes(account):
    now = timezone.now()
    assert due_mailboxes(now) == [account.pk]

    poll_mailbox(account.pk)

    assert due_mailboxes(now + 4 * MINUTE) == []
    assert due_mailboxes(now + 6 * MINUTE) == [account.pk]


def test_only_accounts_that_read_and_have_a_server_are_due(account, server):
    account_at(server, imports_mail=False)
    account_at(server, imap_host="")

    assert due_mailboxes() == [account.pk]
    assert poll_mailbox(EmailAccountFactory().pk).state == "off"
    assert poll_mailbox(0).state == "off"


def test_a_stopped_account_is_read_all_the_same(server):
    account = account_at(server, state="stopped", state_reason="login_refused")

    assert due_mailboxes() == [account.pk]
    assert poll_mailbox(account.pk).state == "read"


def test_failures_are_repeated_less_and_less_often(account, server):
    server.faults.append(Fault("GREETING", drop=True))

    for usual in (1, 2, 5, 15, 30, 60, 60):
        poll = poll_mailbox(account.pk)
        assert usual * 0.79 < minutes_until(poll.next_at) < usual * 1.21


def test_after_five_failures_the_owner_is_told_once_and_until_it_works(account, server):
    server.faults.append(Fault("GREETING", drop=True, times=7))
    for _ in range(4):
        poll_mailbox(account.pk)
    assert open_alerts() == []

    for _ in range(3):
        poll_mailbox(account.pk)
    alert = Alert.objects.get(closed_at=None)
    assert alert.recipient == account.owner
    assert "its mailbox is not read" in alert.text

    assert poll_mailbox(account.pk).state == "read"
    assert open_alerts() == []
    assert Mailbox.objects.get().failures_in_a_row == 0


def test_a_refused_login_is_not_repeated_and_told_at_once(account, server):
    refuse(server)

    poll = poll_mailbox(account.pk)

    assert (poll.reason, poll.next_at) == ("login_refused", None)
    assert Mailbox.objects.get().is_stopped
    assert len(open_alerts()) == 1
    assert due_mailboxes(timezone.now() + dt.timedelta(days=30)) == []


def test_with_other_credentials_it_is_tried_again_at_once(account, server):
    account.email_host_password = "wrong"
    account.save()
    assert poll_mailbox(account.pk).reason == "login_refused"

    account.email_host_password = "right horse"
    account.save()

    assert due_mailboxes() == [account.pk]
    assert poll_mailbox(account.pk).state == "read"
    assert open_alerts() == []


def test_what_workers_write_about_an_account_is_no_reason_to_try_again(account, server):
    refuse(server)
    poll_mailbox(account.pk)

    EmailAccount.objects.filter(pk=account.pk).update(failures_in_a_row=3)

    assert due_mailboxes() == []


def test_who_has_edited_the_account_meanwhile_is_not_alerted(
    account, server, monkeypatch
):
    refuse(server)
    opened = polling.open_mailbox

    def edit_and_open(edited, **kwargs):
        EmailAccount.objects.filter(pk=edited.pk).update(updated_at=timezone.now())
        return opened(edited, **kwargs)

    monkeypatch.setattr(polling, "open_mailbox", edit_and_open)

    assert poll_mailbox(account.pk).state == "failed"
    assert open_alerts() == []
    assert due_mailboxes() == [account.pk]


def test_alerts_end_with_the_reading_of_the_mailbox(account, server):
    refuse(server)
    poll_mailbox(account.pk)
    other = account_at(server)
    poll_mailbox(other.pk)
    EmailAccount.objects.filter(pk=account.pk).update(imports_mail=False)

    due_mailboxes()

    [alert] = Alert.objects.filter(closed_at=None)
    assert alert.cause == mailbox_cause(other.pk)


def test_an_error_of_our_own_is_a_failure_that_says_no_more_than_its_kind(
    account, server, receiver, caplog
):
    poll_mailbox(account.pk)
    server.deliver(bounce())
    receiver.error = KeyError("what the mail says")

    poll = poll_mailbox(account.pk)

    assert (poll.reason, poll.words) == ("internal_error", "KeyError")
    assert Mailbox.objects.get().last_error == "KeyError"
    assert poll_mailbox(account.pk).kinds == {"bounce": 1}


def test_sending_goes_on_while_the_mailbox_fails(account, server):
    ready_settings()
    refuse(server)
    poll_mailbox(account.pk)
    row = DeliveryFactory(email_account=account, mailing__owner=account.owner)
    with FaultServer(credentials={"anna": "right horse"}) as smtp:
        EmailAccount.objects.filter(pk=account.pk).update(email_port=smtp.port)
        send_account_queue(account.pk, now=NOW)

    row.refresh_from_db()
    assert row.status == "sent"
    account.refresh_from_db()
    assert (account.state, account.state_reason) == ("active", "")


def test_looking_for_due_mailboxes_takes_few_queries(
    server, django_assert_max_num_queries
):
    for _ in range(12):
        account_at(server)

    with django_assert_max_num_queries(3):
        assert len(due_mailboxes()) == 12
