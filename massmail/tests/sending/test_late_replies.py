"""What a worker learns after others have taken the row from it."""

from __future__ import annotations

import datetime as dt
import threading
import uuid

import pytest
from django.db import connection, transaction
from django.db.models import Q

from massmail.backends.phases import Reply
from massmail.models import Delivery, DeliveryEvent, MailingOut, SendAttempt
from massmail.models.proof import resolve_by_proof
from massmail.reports.ledger import check_ledger
from massmail.sending import recording, verdicts
from massmail.sending.recording import Result, hand_over, recover
from massmail.tests.factories import NOW
from massmail.tests.sending.results import LATER, OK, SENT, UNCERTAIN, attempt_of

HOUR = dt.timedelta(hours=1)
REFUSED = verdicts.give_up("refused")
RETRY = verdicts.retry("greylisted")


def recovered(row):
    recover(NOW + dt.timedelta(hours=1))
    row.refresh_from_db()
    assert row.status == "uncertain"


def test_a_late_acceptance_is_the_proof_that_it_was_sent(announced, note):
    recovered(announced)

    written, row = note(announced, SENT, OK)

    assert not written
    assert row.status == "sent"
    assert attempt_of(row).outcome == "sent"
    event = DeliveryEvent.objects.get()
    assert (event.kind, event.by) == ("resolved", None)
    assert event.detail == "late reply: 250 2.0.0 queued as 42"


def test_a_late_refusal_is_the_proof_that_it_was_not(announced, note):
    recovered(announced)

    written, row = note(
        announced, verdicts.give_up("refused"), Reply(554, "", "no thanks")
    )

    assert not written
    assert (row.status, row.reason) == ("queued", "put_back")
    assert attempt_of(row).outcome == "refused"


def test_a_late_silence_proves_nothing(announced, note):
    recovered(announced)

    written, row = note(announced, UNCERTAIN, detail="timed_out")

    assert not written
    assert (row.status, row.reason) == ("uncertain", "worker_lost")
    assert not DeliveryEvent.objects.exists()


def test_a_late_refusal_proves_nothing_about_a_later_attempt(announced, note):
    recovered(announced)
    SendAttempt.objects.create(
        delivery=announced,
        email_account=announced.email_account,
        token=uuid.uuid4(),
        occurred_at=NOW,
        outcome=SendAttempt.Outcome.UNCERTAIN,
    )

    note(announced, verdicts.give_up("refused"), Reply(554, "5.0.0", "no"))

    announced.refresh_from_db()
    assert announced.status == "uncertain"


@pytest.fixture
def again(announced, anna):
    """The row of a silent worker, which a person had sent again."""
    recovered(announced)
    MailingOut.objects.update(recipients_count=1)
    Delivery.objects.update(message_id="<1@example.com>")
    assert resolve_by_proof(
        announced.pk, sent=False, now=LATER, detail="sent again", by=anna
    )
    return announced


def second_attempt(row):
    """Another worker has handed the row over once more; returns its claim."""
    token = uuid.uuid4()
    now = LATER + HOUR
    Delivery.objects.claim([row.pk], token, now + HOUR)
    assert hand_over([row], token, allowed=Q(), now=now) == {row.pk}
    return token


def assert_ledger_is_clean():
    assert list(check_ledger(LATER + HOUR)) == []


def test_an_acceptance_keeps_a_waiting_row_from_being_sent_again(again, note):
    written, row = note(again, SENT, OK)

    assert not written
    assert (row.status, row.reason, row.sent_at) == ("sent", "", NOW)
    latest = DeliveryEvent.objects.get(kind="resolved")
    assert latest.detail == "late reply: 250 2.0.0 queued as 42"
    assert_ledger_is_clean()


def test_an_acceptance_takes_a_claimed_row_from_its_worker(again, note):
    other = uuid.uuid4()
    Delivery.objects.claim([again.pk], other, LATER + HOUR)

    _written, row = note(again, SENT, OK)

    assert row.status == "sent"
    assert hand_over([row], other, allowed=Q(), now=LATER) == set()
    assert_ledger_is_clean()


@pytest.mark.parametrize(
    "change", [{"status": "failed"}, {"status": "skipped"}], ids=str
)
def test_an_acceptance_is_the_truth_whatever_came_after(again, note, change):
    """Refused at another attempt, cancelled: the recipient has the message."""
    Delivery.objects.update(reason="cancelled", **change)
    MailingOut.objects.update(status="D", totals={change["status"]: 1})

    _written, row = note(again, SENT, OK)

    assert row.status == "sent"
    totals = {name: n for name, n in MailingOut.objects.get().totals.items() if n}
    assert totals == {"sent": 1}
    assert_ledger_is_clean()


def test_an_acceptance_waits_for_the_attempt_that_is_just_being_made(again, note):
    other = second_attempt(again)

    _written, row = note(again, SENT, OK)
    assert (row.status, row.claim_token) == ("sending", other)
    assert_ledger_is_clean()

    written, row = note(again, REFUSED, Reply(554, "5.0.0", "no"), token=other)
    assert written
    assert row.status == "sent"
    assert_ledger_is_clean()


def test_an_acceptance_settles_the_row_of_a_second_worker_that_died(again, note):
    second_attempt(again)
    note(again, SENT, OK)

    recover(LATER + 3 * HOUR)

    again.refresh_from_db()
    assert again.status == "sent"
    assert_ledger_is_clean()


def test_two_acceptances_with_a_decision_between_them_break_no_promise(again, note):
    other = second_attempt(again)
    note(again, SENT, OK)

    _written, row = note(again, SENT, OK, token=other)

    assert row.status == "sent"
    outcomes = SendAttempt.objects.values_list("outcome", flat=True)
    assert list(outcomes) == ["sent", "sent"]
    assert_ledger_is_clean()


def test_two_acceptances_without_a_decision_are_reported(again, note):
    other = second_attempt(again)
    note(again, SENT, OK)
    note(again, SENT, OK, token=other)
    DeliveryEvent.objects.filter(kind="put_back").delete()

    [broken] = check_ledger(LATER)

    assert (broken.check, broken.rows) == ("accepted_twice", [again.pk])


def test_a_row_can_be_in_doubt_any_number_of_times(again, anna):
    """Also when its attempts are counted from the beginning again."""
    for _round in range(2):
        second_attempt(again)
        recover(LATER + 3 * HOUR)
        Delivery.objects.filter(pk=again.pk).update(attempts=1)
        assert resolve_by_proof(
            again.pk, sent=False, now=LATER, detail="sent again", by=anna
        )
    assert DeliveryEvent.objects.filter(kind="put_back").count() == 3


@pytest.mark.django_db(transaction=True)
def test_a_late_acceptance_and_a_new_refusal_at_once_do_not_miss_each_other(
    again, token, monkeypatch
):
    """Each writes its transaction while the other's is not committed."""
    second = second_attempt(again)
    first_wrote, second_is_done = threading.Event(), threading.Event()
    settle = recording.settle_accepted

    def then_wait(ids, **kwargs):
        count = settle(ids, **kwargs)
        if kwargs["detail"].startswith("late reply"):
            first_wrote.set()
            # Only a mended one keeps the second waiting; it must not for ever.
            second_is_done.wait(1.0)
        return count

    monkeypatch.setattr(recording, "settle_accepted", then_wait)

    def refusal():
        try:
            assert first_wrote.wait(10)
            refused = Result(again, RETRY, Reply(451, "", "later"), announced=True)
            with transaction.atomic():
                recording.record(refused, second, LATER + HOUR)
        finally:
            second_is_done.set()
            connection.close()

    thread = threading.Thread(target=refusal)
    thread.start()
    with transaction.atomic():
        accepted = Result(again, SENT, OK, announced=True)
        recording.record(accepted, token, LATER + HOUR)
    thread.join()

    assert Delivery.objects.get().status == "sent"
    assert_ledger_is_clean()
