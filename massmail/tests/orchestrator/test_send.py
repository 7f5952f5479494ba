"""The line from rows to wire, against a real SMTP server."""

from __future__ import annotations

import datetime as dt
import email
from email import policy

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from massmail.backends.phases import Phase
from massmail.models import (
    Alert,
    Delivery,
    DeliveryEvent,
    MailingOut,
    SendAttempt,
    SuppressedAddress,
)
from massmail.models.address import address_key
from massmail.orchestrator.lifecycle import cancel, launch, pause, resume
from massmail.orchestrator.send import send_account_queue
from massmail.orchestrator.walk import walk_account_queues
from massmail.reports.ledger import check_ledger
from massmail.tests.factories import (
    DeliveryEventFactory,
    TargetListFactory,
    TargetListMemberFactory,
)
from massmail.tests.hostapp.massmail_recipients import CustomerRecipients
from massmail.tests.hostapp.models import Customer
from massmail.tests.mailings import (
    account_at,
    draft,
    launched,
    ready_settings,
    row_of,
    send_all,
    states,
)
from massmail.tests.smtp_server import Fault, FaultServer, Offer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clean_ledger():
    yield
    assert list(check_ledger(timezone.now())) == []


@pytest.fixture
def server():
    with FaultServer() as running:
        yield running


def account_of(mailing):
    return mailing.owner.massmail_emailaccount_set.get()


def test_every_recipient_gets_one_personal_message(server):
    mailing = launched(server, customers=3)
    send_all()
    mailing.refresh_from_db()
    assert mailing.status == MailingOut.Status.DONE
    assert mailing.totals == mailing.counts()
    assert states(mailing) == {"sent": 3}
    assert sorted(message.rcpt for message in server.accepted) == [
        f"customer{number}@example.com" for number in range(3)
    ]
    parsed = email.message_from_bytes(server.accepted[0].content, policy=policy.default)
    row = row_of(mailing, server.accepted[0].rcpt)
    assert parsed["Subject"] == f"News for {row.name}"
    assert parsed["Message-ID"] == row.message_id
    assert (row.attempts, row.smtp_code) == (1, 250)
    assert SendAttempt.objects.filter(outcome="sent").count() == 3


@pytest.mark.parametrize("pipelining", [True, False])
def test_several_lanes_share_the_work_and_nobody_is_mailed_twice(pipelining):
    with FaultServer(offer=Offer(pipelining=pipelining)) as server:
        mailing = launched(server, customers=40, max_connections=4)
        send_all()
        assert states(mailing) == {"sent": 40}
        assert len({message.rcpt for message in server.accepted}) == 40
        assert len(server.accepted) == 40
        assert server.connections == 4


def test_an_unknown_address_fails_and_is_suppressed_and_the_rest_goes_on(server):
    server.script.add(
        Fault(Phase.RCPT, to="customer1@*", reply="550 5.1.1 no such user")
    )
    mailing = launched(server)
    send_all()
    row = row_of(mailing, "customer1@example.com")
    assert (row.status, row.smtp_code, row.smtp_enhanced) == ("failed", 550, "5.1.1")
    assert states(mailing) == {"sent": 2, "failed": 1}
    assert SuppressedAddress.objects.covers("Customer1@example.com")


def test_a_refused_login_stops_the_account_and_blames_nobody():
    with FaultServer(credentials={"anna": "right"}) as server:
        mailing = launched(
            server, auth="password", email_host_user="anna", email_host_password="bad"
        )
        send_all()
        account = account_of(mailing)
        assert account.state == "stopped"
        assert Alert.objects.get(closed_at=None).recipient == mailing.owner
        assert states(mailing) == {"queued": 3}
        assert row_of(mailing, "customer0@example.com").attempts == 0
        assert walk_account_queues() == []

        account.email_host_password = "right"
        account.state, account.state_reason, account.paused_until = "active", "", None
        account.save()
        send_all()
        assert states(mailing) == {"sent": 3}


def test_greylisting_is_tried_again_later_and_then_accepted(server):
    server.script.add(
        Fault(Phase.RCPT, to="customer0@*", times=1, reply="451 4.7.1 try later")
    )
    mailing = launched(server, customers=1)
    now = timezone.now()
    send_all(now)
    row = row_of(mailing, "customer0@example.com")
    assert (row.status, row.attempts) == ("queued", 1)
    assert row.not_before >= now + dt.timedelta(minutes=5)
    send_all(now + dt.timedelta(minutes=6))
    assert states(mailing) == {"sent": 1}


def test_a_connection_lost_after_the_dot_leaves_the_row_uncertain(server):
    server.script.add(Fault(Phase.DOT, times=1, after_accept=True, drop="reset"))
    mailing = launched(server, customers=1)
    send_all()
    mailing.refresh_from_db()
    assert states(mailing) == {"uncertain": 1}
    assert mailing.status == MailingOut.Status.NEEDS_PERSON
    assert len(server.accepted) == 1


def test_a_connection_lost_before_the_dot_is_not_counted_and_goes_on_later(server):
    server.script.add(Fault(Phase.BODY, times=1, drop="reset"))
    mailing = launched(server, customers=2)
    now = timezone.now()
    send_all(now)
    assert states(mailing) == {"queued": 2}
    assert sorted(mailing.deliveries.values_list("attempts", flat=True)) == [0, 0]
    send_all(now + dt.timedelta(minutes=5))
    assert states(mailing) == {"sent": 2}
    assert len(server.accepted) == 2


def test_who_opted_out_after_launch_is_skipped_in_the_last_update(server):
    mailing = launched(server, customers=3)
    SuppressedAddress.objects.suppress(
        "customer0@example.com", reason="opted_out", source="test"
    )
    Customer.objects.filter(email="customer1@example.com").update(disqualified=True)
    send_all()
    assert row_of(mailing, "customer0@example.com").reason == "opted_out"
    assert row_of(mailing, "customer1@example.com").reason == "disqualified"
    assert [message.rcpt for message in server.accepted] == ["customer2@example.com"]


def test_who_left_a_list_after_launch_is_skipped_in_the_last_update(server):
    mailing = launched(server, customers=3)
    included, excluded, other = TargetListFactory.create_batch(3)
    mailing.target_lists.add(included)
    mailing.excluded_lists.add(excluded)
    for number, target_list in enumerate((included, other)):
        SuppressedAddress.objects.suppress(
            f"customer{number}@example.com",
            reason="opted_out",
            source="test",
            target_list=target_list,
        )
    TargetListMemberFactory(
        target_list=excluded,
        recipient=Customer.objects.get(email="customer2@example.com"),
    )
    send_all()
    assert row_of(mailing, "customer0@example.com").reason == "opted_out"
    assert row_of(mailing, "customer2@example.com").reason == "excluded"
    assert [message.rcpt for message in server.accepted] == ["customer1@example.com"]


@pytest.mark.django_db(transaction=True)
def test_who_leaves_a_list_during_the_conversation_is_not_mailed(server):
    """It commits while the worker waits for the server's 354."""
    mailing = launched(server, customers=1)
    target_list = TargetListFactory()
    mailing.target_lists.add(target_list)
    original = server.script.next_fault

    def leave_at_data(phase, *args):
        if phase is Phase.DATA:
            SuppressedAddress.objects.suppress(
                "customer0@example.com",
                reason="opted_out",
                source="test",
                target_list=target_list,
            )
            connection.close()
        return original(phase, *args)

    server.script.next_fault = leave_at_data
    send_account_queue(account_of(mailing).pk)
    assert row_of(mailing, "customer0@example.com").reason == "opted_out"
    assert server.accepted == []


def test_a_deleted_and_a_reassigned_record_are_not_mailed(server):
    mailing = launched(server, customers=3)
    Customer.objects.filter(email="customer0@example.com").delete()
    Customer.objects.filter(email="customer1@example.com").update(owner=None)
    send_all()
    assert row_of(mailing, "customer0@example.com").reason == "recipient_deleted"
    assert row_of(mailing, "customer1@example.com").reason == "not_assigned"
    assert states(mailing) == {"sent": 1, "skipped": 2}


def test_a_value_that_an_if_asks_for_is_missing_only_where_it_is_printed(server):
    ready_settings()
    subject = "News{% if first_name == 'Customer 0' %} for {{ city }}{% endif %}"
    mailing = draft(customers=2, subject=subject)
    account_at(server, mailing.owner)

    launch(mailing, by=mailing.owner)
    send_all()

    reasons = [row_of(mailing, f"customer{n}@example.com").reason for n in range(2)]
    assert reasons == ["missing_value", ""]
    assert states(mailing) == {"sent": 1, "skipped": 1}


def test_a_changed_address_is_used_before_the_first_attempt(server):
    mailing = launched(server, customers=2)
    Customer.objects.filter(email="customer0@example.com").update(
        email="moved@example.com"
    )
    send_all()
    row = row_of(mailing, "moved@example.com")
    assert row.address_key == address_key("moved@example.com")
    assert sorted(message.rcpt for message in server.accepted) == [
        "customer1@example.com",
        "moved@example.com",
    ]


def test_an_address_that_now_collides_becomes_a_duplicate(server):
    mailing = launched(server, customers=2)
    Customer.objects.filter(email="customer1@example.com").update(
        email="Customer0@example.com"
    )
    send_all()
    assert states(mailing) == {"sent": 1, "skipped": 1}
    assert Delivery.objects.get(status="skipped").reason == "duplicate"
    assert len(server.accepted) == 1


def test_an_address_that_may_have_been_reached_is_not_tried_for_another(server):
    """Also when the row of the first attempt leaves the address free by now."""
    server.script.add(Fault(Phase.DOT, drop="reset", times=1, after_accept=True))
    mailing = launched(server, customers=2)
    tried, waiting = mailing.deliveries.order_by("pk")
    send_account_queue(account_of(mailing).pk)
    Delivery.objects.filter(pk=tried.pk).update(status="skipped", reason="excluded")
    DeliveryEventFactory(delivery=tried, kind="put_back")
    Customer.objects.filter(email=waiting.address).update(email=tried.address)
    Delivery.objects.filter(pk=waiting.pk).update(
        status="queued", not_before=timezone.now()
    )

    send_all(timezone.now() + dt.timedelta(hours=2))

    waiting.refresh_from_db()
    assert (waiting.status, waiting.reason) == ("skipped", "duplicate")
    assert [message.rcpt for message in server.accepted] == [tried.address]


def test_a_paused_mailing_sends_nothing_until_it_is_resumed(server):
    mailing = launched(server)
    pause(mailing, by=mailing.owner)
    assert walk_account_queues() == []
    assert send_account_queue(account_of(mailing).pk).handled == 0
    assert server.accepted == []
    resume(mailing, by=mailing.owner)
    send_all()
    assert states(mailing) == {"sent": 3}


def test_a_cancelled_mailing_skips_what_waits(server):
    mailing = launched(server)
    cancel(mailing, by=mailing.owner)
    send_all()
    assert states(mailing) == {"skipped": 3}
    assert set(mailing.deliveries.values_list("reason", flat=True)) == {"cancelled"}
    assert server.accepted == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({"status": "P"}, ("queued", "")),
        ({"status": "I"}, ("skipped", "cancelled")),
        ({"stop_reason": "reputation"}, ("queued", "")),
    ],
)
def test_a_click_during_the_conversation_keeps_the_message_back(server, change, state):
    """It commits while the worker waits for the server's 354."""
    mailing = launched(server, customers=1)
    original = server.script.next_fault

    def click_at_data(phase, *args):
        if phase is Phase.DATA:
            MailingOut.objects.filter(pk=mailing.pk).update(**change)
            connection.close()
        return original(phase, *args)

    server.script.next_fault = click_at_data
    send_account_queue(account_of(mailing).pk)
    row = row_of(mailing, "customer0@example.com")
    assert (row.status, row.reason) == state
    assert server.accepted == []


def test_the_servers_size_limit_is_learned_by_sending():
    with FaultServer(offer=Offer(size=2_000_000)) as server:
        mailing = launched(server, customers=1)
        send_all()

    assert account_of(mailing).max_message_bytes == 2_000_000


def test_a_size_limit_that_is_known_is_not_written_again(server):
    mailing = launched(server, customers=1)
    account = account_of(mailing)
    account.max_message_bytes = server.offer.size
    account.save()
    with CaptureQueriesContext(connection) as queries:
        send_all()

    assert states(mailing) == {"sent": 1}
    assert not [
        query["sql"] for query in queries if '"max_message_bytes" = ' in query["sql"]
    ]


def test_a_daily_limit_holds_and_frees_after_a_day(server):
    mailing = launched(server, customers=5, per_day=2)
    now = timezone.now()
    send_all(now)
    assert states(mailing) == {"sent": 2, "queued": 3}
    send_all(now + dt.timedelta(hours=23, minutes=59))
    assert states(mailing) == {"sent": 2, "queued": 3}
    send_all(now + dt.timedelta(hours=24, minutes=1))
    assert states(mailing) == {"sent": 4, "queued": 1}


def test_a_gap_keeps_the_next_message_back(server):
    mailing = launched(server, min_gap_seconds=60, max_gap_seconds=90)
    now = timezone.now()
    send_all(now)
    assert states(mailing) == {"sent": 1, "queued": 2}
    assert walk_account_queues(now + dt.timedelta(seconds=59)) == []
    send_all(now + dt.timedelta(seconds=95))
    assert states(mailing) == {"sent": 2, "queued": 1}


def test_vips_are_mailed_from_the_main_account_and_nobody_else_is(server):
    ready_settings()
    mailing = draft(customers=3)
    account_at(server, mailing.owner, from_email="mass@example.com")
    account_at(
        server,
        mailing.owner,
        from_email="main@example.com",
        is_main=True,
        for_massmail=False,
    )
    first = row_of(mailing, "customer0@example.com").mass_contact
    first.is_vip = True
    first.save()
    launch(mailing, by=mailing.owner)
    send_all()
    sender_of = {message.rcpt: message.mail_from for message in server.accepted}
    assert sender_of == {
        "customer0@example.com": "main@example.com",
        "customer1@example.com": "mass@example.com",
        "customer2@example.com": "mass@example.com",
    }


def test_a_spam_verdict_stops_the_mailing_after_three(server):
    server.script.add(Fault(Phase.DOT, reply="550 5.7.1 message looks like spam"))
    mailing = launched(server, customers=20)
    send_all()
    mailing.refresh_from_db()
    assert (mailing.status, mailing.stop_reason) == ("E", "reputation")
    assert mailing.counts()["failed"] == 3
    assert mailing.counts()["queued"] == 17
    assert not SuppressedAddress.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_late_reply_is_the_proof_that_settles_the_uncertain_row(server):
    mailing = launched(server, customers=1)
    original = server.script.next_fault

    def lose_the_lease(phase, *args):
        if phase is Phase.DOT:
            walk_account_queues(timezone.now() + dt.timedelta(hours=1))
            lost.extend(states(mailing))
            connection.close()
        return original(phase, *args)

    lost: list[str] = []
    server.script.next_fault = lose_the_lease
    send_account_queue(account_of(mailing).pk)
    assert lost == ["uncertain"]
    assert states(mailing) == {"sent": 1}
    event = DeliveryEvent.objects.get()
    assert (event.kind, event.detail[:10]) == ("resolved", "late reply")


def test_nobody_is_mailed_whom_the_host_gives_to_nobody(server, monkeypatch):
    mailing = launched(server)
    nobody = Customer.objects.none()
    monkeypatch.setattr(CustomerRecipients, "addressable_by", lambda self, user: nobody)

    send_all()

    assert states(mailing) == {"skipped": 3}
    assert set(mailing.deliveries.values_list("reason", flat=True)) == {"not_assigned"}
    assert not server.accepted
