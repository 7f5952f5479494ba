"""What may not go out now: nothing is sent, nothing hammers the server, nothing waits
in silence for ever."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.utils import timezone

from massmail.backends.phases import Phase
from massmail.models import Alert, EmailAccount, MailingOut, MassContact
from massmail.orchestrator.lifecycle import launch
from massmail.orchestrator.send import send_account_queue
from massmail.orchestrator.walk import walk_account_queues
from massmail.tests.factories import UserFactory
from massmail.tests.mailings import (
    account_at,
    draft,
    launched,
    ready_settings,
    row_of,
    send_all,
    states,
)
from massmail.tests.smtp_server import Fault, FaultServer

pytestmark = pytest.mark.django_db
FIRST = "customer0@example.com"


@pytest.fixture
def server():
    with FaultServer() as running:
        yield running


@pytest.fixture
def at_first(server):
    """Lets something be committed elsewhere when a phase is reached first."""
    original = server.script.next_fault

    def install(phase, change):
        left = [change]

        def next_fault(met, *args):
            if met is phase and left:
                left.pop()()
                connection.close()
            return original(met, *args)

        server.script.next_fault = next_fault

    return install


def add_account(server, mailing, **fields):
    return account_at(server, mailing.owner, **fields)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "change",
    [
        lambda: MailingOut.objects.update(status="P"),
        lambda: MailingOut.objects.update(stop_reason="reputation"),
        lambda: EmailAccount.objects.update(state="stopped"),
    ],
    ids=["paused", "stopped", "account stopped"],
)
def test_a_held_mailing_opens_no_further_connections(server, at_first, change):
    mailing = launched(server, customers=20)
    at_first(Phase.DATA, change)

    report = send_account_queue(EmailAccount.objects.get().pk)

    assert states(mailing) == {"queued": 20}
    assert (report.handled, report.released) == (0, 20)
    assert server.accepted == []
    assert server.connections == 1


@pytest.mark.django_db(transaction=True)
def test_a_held_mailing_lets_the_next_one_of_the_account_go_on(server, at_first):
    held = launched(server, customers=3)
    going = second_mailing(held)
    at_first(
        Phase.DATA, lambda: MailingOut.objects.filter(pk=held.pk).update(status="P")
    )

    send_all()

    assert states(held) == {"queued": 3}
    assert states(going) == {"sent": 3}


def second_mailing(first):
    mailing = draft(first.owner, customers=0, subject="Second")
    launch(mailing, by=first.owner)
    return mailing


def make_vip(mailing, address):
    identity = row_of(mailing, address).mass_contact
    MassContact.objects.filter(pk=identity.pk).update(is_vip=True)


def test_who_becomes_a_vip_after_the_launch_gets_the_main_account(server):
    mailing = launched(server, customers=3)
    add_account(
        server, mailing, from_email="main@example.com", is_main=True, for_massmail=False
    )
    make_vip(mailing, FIRST)

    send_all()

    assert states(mailing) == {"sent": 3}
    sender_of = {message.rcpt: message.mail_from for message in server.accepted}
    assert sender_of[FIRST] == "main@example.com"
    assert list(sender_of.values()).count("main@example.com") == 1


def test_who_becomes_a_vip_without_a_main_account_has_no_account(server):
    mailing = launched(server, customers=3)
    make_vip(mailing, FIRST)

    send_all()

    assert states(mailing) == {"sent": 2, "skipped": 1}
    assert row_of(mailing, FIRST).reason == "no_account"
    mailing.refresh_from_db()
    assert mailing.status == MailingOut.Status.DONE


@pytest.mark.parametrize(
    "fields", [{"for_massmail": False}, {"is_main": True}, {"owner": None}], ids=str
)
def test_an_account_that_does_not_serve_any_more_hands_its_rows_on(server, fields):
    mailing = launched(server, customers=3)
    if "owner" in fields:
        fields = {"owner": UserFactory()}
    EmailAccount.objects.update(**fields)
    add_account(server, mailing, from_email="other@example.com")

    send_all()

    assert states(mailing) == {"sent": 3}
    assert {message.mail_from for message in server.accepted} == {"other@example.com"}


def test_without_another_account_its_rows_are_skipped_with_the_reason(server):
    mailing = launched(server, customers=3)
    EmailAccount.objects.update(for_massmail=False)

    send_all()

    assert mailing.skip_counts() == {"no_account": 3}
    mailing.refresh_from_db()
    assert mailing.status == MailingOut.Status.DONE
    assert server.accepted == []


def test_rows_of_a_stopped_account_wait_for_it(server):
    mailing = launched(server, customers=3)
    EmailAccount.objects.update(state="stopped")
    add_account(server, mailing)

    send_all()

    assert states(mailing) == {"queued": 3}


@pytest.mark.parametrize(
    "fault",
    [
        Fault(Phase.MAIL, reply="451 4.3.0 lookup failure"),
        Fault(Phase.DOT, reply="452 4.3.1 no storage"),
        Fault(Phase.BANNER, reply="421 4.3.2 shutting down"),
    ],
    ids=["mail", "dot", "banner"],
)
def test_an_account_that_keeps_failing_rests_longer_each_time(fault):
    with FaultServer(faults=[fault]) as server:
        mailing = launched(server, customers=2)
        now, rests = timezone.now(), []
        for _ in range(5):
            assert walk_account_queues(now) == [EmailAccount.objects.get().pk]
            send_account_queue(EmailAccount.objects.get().pk, now=now)
            account = EmailAccount.objects.get()
            assert account.state == "paused"
            rests.append((account.paused_until - now).total_seconds() / 60)
            now = account.paused_until

    for minutes, rest in zip([1, 2, 5, 15, 30], rests, strict=True):
        assert 0.79 * minutes < rest < 1.25 * minutes
    assert mailing.owner.pk == open_alert().recipient_id
    assert states(mailing) == {"queued": 2}
    assert set(mailing.deliveries.values_list("attempts", flat=True)) == {0}


def open_alert():
    return Alert.objects.get(closed_at=None)


def test_a_repaired_account_closes_its_alert_and_a_new_stop_opens_another():
    with FaultServer(credentials={"anna": "right"}) as server:
        mailing = launched(
            server, auth="password", email_host_user="anna", email_host_password="bad"
        )
        account = EmailAccount.objects.get()
        send_all()
        first = open_alert()

        repair(account, "right")
        send_all()
        first.refresh_from_db()
        assert first.closed_at is not None
        assert states(mailing) == {"sent": 3}

        again = second_mailing(mailing)
        repair(account, "bad")
        send_all()
        assert open_alert() != first
        assert states(again) == {"queued": 3}


def repair(account, password):
    account.refresh_from_db()
    account.email_host_password = password
    account.state, account.state_reason, account.paused_until = "active", "", None
    account.save()


def test_a_recipient_that_is_refused_shows_that_the_account_works(server):
    server.script.add(Fault(Phase.RCPT, reply="550 5.1.1 no such user"))
    launched(server, customers=1)
    EmailAccount.objects.update(failures_in_a_row=3)

    send_all()

    assert EmailAccount.objects.get().failures_in_a_row == 0


def test_the_days_of_a_retry_keep_their_account(server):
    server.script.add(Fault(Phase.RCPT, times=1, reply="451 4.7.1 later"))
    ready_settings()
    mailing = launched(server, customers=1)
    add_account(server, mailing, from_email="other@example.com")
    now = timezone.now()

    send_all(now)
    send_all(now + dt.timedelta(hours=1))

    assert states(mailing) == {"sent": 1}
    assert server.accepted[0].mail_from != "other@example.com"
