"""What a person decides after a fault, and that nobody else can."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from massmail.backends.phases import Phase
from massmail.exceptions import NotAllowed, WrongState
from massmail.models import (
    Delivery,
    DeliveryEvent,
    EmailAccount,
    MassContact,
    SuppressedAddress,
)
from massmail.models.email_account import new_token
from massmail.orchestrator.lifecycle import launch
from massmail.orchestrator.repair import (
    count_as_sent,
    hand_over_recipients,
    send_again,
    send_again_to_failed,
    skips_if_sent_again,
)
from massmail.orchestrator.walk import walk_account_queues
from massmail.tests.factories import (
    NOW,
    DeliveryFactory,
    EmailAccountFactory,
    MailingOutFactory,
    MainAccountFactory,
    SuperuserFactory,
    UserFactory,
)
from massmail.tests.hostapp.models import Customer
from massmail.tests.mailings import draft, launched, ready_settings, send_all, states
from massmail.tests.smtp_server import Fault, FaultServer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("default_policy")]


@pytest.fixture
def mailing(anna):
    """Done but for two rows whose fate nobody knows."""
    mailing = MailingOutFactory(owner=anna, launched=True, status="E")
    DeliveryFactory.create_batch(
        2,
        mailing=mailing,
        status="uncertain",
        reason="no_answer_after_dot",
        sending_at=NOW,
        result_at=NOW,
        attempts=1,
        message_id="<one@example.com>",
    )
    return mailing


def log_of(mailing) -> list[str]:
    return list(
        LogEntry.objects.filter(object_id=str(mailing.pk)).values_list(
            "change_message", flat=True
        )
    )


def test_what_is_counted_as_sent_is_sent_at_the_time_of_its_hand_over(mailing, anna):
    assert count_as_sent(mailing.deliveries.all(), by=anna) == 2

    assert states(mailing) == {"sent": 2}
    assert set(mailing.deliveries.values_list("sent_at", "reason")) == {(NOW, "")}


def test_a_decision_is_kept_with_each_row_and_with_the_mailing(mailing, anna):
    count_as_sent(mailing.deliveries.all(), by=anna, now=NOW)

    events = DeliveryEvent.objects.values_list("kind", "by", "detail")
    assert set(events) == {("resolved", anna.pk, "counted as sent")}
    assert events.count() == 2
    assert log_of(mailing) == ["2 uncertain: counted as sent"]
    assert LogEntry.objects.get().user == anna


def test_what_is_sent_again_keeps_its_message_id(anna):
    lost = Fault(Phase.DOT, drop="close", after_accept=True, times=1)
    with FaultServer(faults=[lost]) as server:
        mailing = launched(server, customers=1)
        send_all()
        assert states(mailing) == {"uncertain": 1}

        assert send_again(mailing.deliveries.all(), by=mailing.owner) == 1
        # After the account's rest, which the lost connection has cost it.
        send_all(timezone.now() + dt.timedelta(minutes=5))

    first, second = (message.content for message in server.accepted)
    assert message_id(first) == message_id(second) != b""
    assert states(mailing) == {"sent": 1}


def message_id(content: bytes) -> bytes:
    [line] = [x for x in content.splitlines() if x.lower().startswith(b"message-id")]
    return line


def test_rows_that_are_not_uncertain_are_left_alone(mailing, anna):
    sent = DeliveryFactory(mailing=mailing, status="sent")
    failed = DeliveryFactory(mailing=mailing, status="failed")

    assert send_again(mailing.deliveries.all(), by=anna) == 2

    assert states(mailing) == {"queued": 2, "sent": 1, "failed": 1}
    assert not sent.events.exists()
    assert not failed.events.exists()


def test_the_second_of_two_decisions_changes_nothing(mailing, anna):
    count_as_sent(mailing.deliveries.all(), by=anna)

    assert send_again(mailing.deliveries.all(), by=anna) == 0
    assert states(mailing) == {"sent": 2}
    assert len(log_of(mailing)) == 1


@pytest.mark.parametrize("decide", [count_as_sent, send_again])
def test_a_colleague_decides_nothing(mailing, decide, snapshot_of):
    before = snapshot_of(mailing)

    with pytest.raises(NotAllowed):
        decide(mailing.deliveries.all(), by=UserFactory())

    assert snapshot_of(mailing) == before
    assert log_of(mailing) == []


def test_one_foreign_mailing_among_the_rows_refuses_all(mailing, anna):
    foreign = DeliveryFactory(status="uncertain")

    with pytest.raises(NotAllowed):
        count_as_sent(Delivery.objects.all(), by=anna)

    assert states(mailing) == {"uncertain": 2}
    assert Delivery.objects.get(pk=foreign.pk).status == "uncertain"


def test_mail_without_a_mailing_is_a_superusers_to_decide(anna):
    alert = DeliveryFactory(status="uncertain")
    Delivery.objects.filter(pk=alert.pk).update(kind="alert", mailing=None)

    with pytest.raises(NotAllowed):
        count_as_sent(Delivery.objects.all(), by=anna)
    assert count_as_sent(Delivery.objects.all(), by=SuperuserFactory()) == 1


def test_nothing_of_a_cancelled_mailing_is_sent_again(mailing, anna):
    type(mailing).objects.filter(pk=mailing.pk).update(status="I")

    send_again(mailing.deliveries.all(), by=anna)

    assert states(mailing) == {"skipped": 2}
    assert set(mailing.deliveries.values_list("reason", flat=True)) == {"cancelled"}


@pytest.fixture
def with_failed(anna):
    mailing = MailingOutFactory(
        owner=anna, launched=True, status="D", totals={"sent": 1, "failed": 3}
    )
    DeliveryFactory(mailing=mailing, status="sent")
    DeliveryFactory.create_batch(
        3, mailing=mailing, status="failed", reason="gave_up", attempts=9
    )
    return mailing


def test_all_failed_rows_wait_again_and_the_mailing_goes_on(with_failed, anna):
    assert send_again_to_failed(with_failed, by=anna, now=NOW) == 3

    assert (with_failed.status, with_failed.totals) == ("A", None)
    assert states(with_failed) == {"queued": 3, "sent": 1}
    rows = with_failed.deliveries.filter(status="queued")
    assert set(rows.values_list("attempts", "reason")) == {(0, "put_back")}
    events = DeliveryEvent.objects.values_list("kind", "by")
    assert list(events) == [("put_back", anna.pk)] * 3
    assert log_of(with_failed) == ["sent again to failed"]


def test_a_row_put_back_as_its_mailing_was_done_is_sent_all_the_same(with_failed):
    """Both commits at once: neither saw what the other one did."""
    type(with_failed).objects.update(finished_at=NOW)
    with_failed.deliveries.filter(status="failed").put_back_failed(NOW)

    walk_account_queues(NOW)

    with_failed.refresh_from_db()
    assert (with_failed.status, with_failed.totals) == ("A", None)


def test_failed_rows_of_a_cancelled_mailing_stay_failed(with_failed, anna, snapshot_of):
    type(with_failed).objects.filter(pk=with_failed.pk).update(status="I")
    before = snapshot_of(with_failed)

    with pytest.raises(WrongState):
        send_again_to_failed(with_failed, by=anna)

    assert snapshot_of(with_failed) == before
    assert not DeliveryEvent.objects.exists()


def test_what_failed_stays_so_when_the_mailings_time_is_over(
    with_failed, anna, snapshot_of
):
    """Put back, it would be skipped at once, and why it failed be forgotten."""
    type(with_failed).objects.filter(pk=with_failed.pk).update(expires_at=NOW)
    before = snapshot_of(with_failed)

    with pytest.raises(WrongState, match="time is over"):
        send_again_to_failed(with_failed, by=anna, now=NOW)

    assert snapshot_of(with_failed) == before
    assert not DeliveryEvent.objects.exists()


def test_a_colleague_sends_nothing_again(with_failed, snapshot_of):
    before = snapshot_of(with_failed)

    with pytest.raises(NotAllowed):
        send_again_to_failed(with_failed, by=UserFactory())

    assert snapshot_of(with_failed) == before


def test_who_would_be_skipped_is_counted_once_each_by_the_first_reason(with_failed):
    suppressed, gone, _fine = with_failed.deliveries.filter(status="failed")
    SuppressedAddress.objects.suppress(
        suppressed.address, reason="hard_bounce", source="test"
    )
    SuppressedAddress.objects.suppress(gone.address, reason="opted_out", source="test")
    Customer.objects.filter(pk=gone.object_id).delete()

    assert skips_if_sent_again(with_failed) == {
        "recipient_deleted": 1,
        "suppressed": 1,
    }


@pytest.fixture
def stopped(anna):
    """Anna's stopped account, which a launched mailing to four waits for."""
    ready_settings()
    account = EmailAccountFactory(owner=anna)
    launch(draft(anna, customers=4), by=anna)
    account.state, account.state_reason = "stopped", "login_refused"
    account.save()
    return account


def waiting(account: EmailAccount) -> int:
    return Delivery.objects.filter(email_account=account, status="queued").count()


def test_waiting_recipients_go_to_the_owners_other_accounts_in_turn(stopped, anna):
    first, second = EmailAccountFactory.create_batch(2, owner=anna)

    assert hand_over_recipients(stopped, by=anna) == 4

    assert (waiting(stopped), waiting(first), waiting(second)) == (0, 2, 2)


def test_recipients_stay_bound_to_the_account_for_later_mailings(stopped, anna):
    EmailAccountFactory(owner=anna)

    hand_over_recipients(stopped, by=anna)

    bound = MassContact.objects.values_list("email_account", flat=True)
    assert list(bound) == [stopped.pk] * 4


def test_vips_wait(stopped, anna):
    MainAccountFactory(owner=anna)
    other = EmailAccountFactory(owner=anna)
    vip = MassContact.objects.first()
    MassContact.objects.filter(pk=vip.pk).update(is_vip=True)

    assert hand_over_recipients(stopped, by=anna) == 3

    assert (waiting(stopped), waiting(other)) == (1, 3)


@pytest.mark.parametrize("state", ["stopped", "paused"])
def test_an_account_that_does_not_send_gets_nobody(stopped, anna, state):
    EmailAccountFactory(owner=anna, state=state)
    EmailAccountFactory(owner=anna, for_massmail=False)
    EmailAccountFactory()

    with pytest.raises(WrongState):
        hand_over_recipients(stopped, by=anna)

    assert waiting(stopped) == 4


def test_who_has_no_other_account_does_not_hold_up_the_rest(stopped, anna):
    """A co-owner without one keeps waiting."""
    bob = UserFactory()
    EmailAccount.objects.filter(pk=stopped.pk).update(co_owner=bob, state="active")
    launch(draft(bob, customers=2), by=bob)
    EmailAccount.objects.filter(pk=stopped.pk).update(state="stopped")
    stopped.refresh_from_db()
    other = EmailAccountFactory(owner=anna)

    assert hand_over_recipients(stopped, by=anna) == 4

    assert (waiting(stopped), waiting(other)) == (2, 4)


def test_the_co_owner_hands_nothing_over(stopped, anna):
    bob = UserFactory()
    stopped.co_owner = bob
    stopped.save()
    EmailAccountFactory(owner=anna)

    with pytest.raises(NotAllowed):
        hand_over_recipients(stopped, by=bob)

    assert waiting(stopped) == 4


def test_handed_over_recipients_are_mailed_once(anna):
    ready_settings()
    with FaultServer() as server:
        stopped = EmailAccountFactory(owner=anna, email_port=server.port)
        mailing = launch(draft(anna, customers=4), by=anna)
        EmailAccount.objects.filter(pk=stopped.pk).update(state="stopped")
        other = EmailAccountFactory(owner=anna, email_port=server.port)
        hand_over_recipients(stopped, by=anna)
        send_all()

    assert len({message.rcpt for message in server.accepted}) == 4
    assert len(server.accepted) == 4
    assert {message.mail_from for message in server.accepted} == {other.from_email}
    assert states(mailing) == {"sent": 4}


def test_a_claim_in_time_keeps_its_account(stopped, anna):
    EmailAccountFactory(owner=anna)
    claimed = Delivery.objects.filter(email_account=stopped).first()
    Delivery.objects.claim([claimed.pk], new_token(), NOW + dt.timedelta(minutes=2))

    assert hand_over_recipients(stopped, by=anna) == 3

    assert Delivery.objects.get(pk=claimed.pk).email_account == stopped
