"""Each check of the ledger finds the row that was broken by hand, and only that."""

from __future__ import annotations

import datetime as dt

import pytest

from massmail.models import Delivery, MailingOut, SendAttempt
from massmail.reports.ledger import CHECKS, SHOWN, check_ledger
from massmail.tests.factories import (
    NOW,
    DeliveryEventFactory,
    DeliveryFactory,
    MailingOutFactory,
    SendAttemptFactory,
)

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def mailing():
    """A running mailing with a sent, a waiting and a skipped row; all is well."""
    mailing = MailingOutFactory(launched=True, recipients_count=3)
    row = DeliveryFactory(mailing=mailing, status="sent", message_id="<1@example.com>")
    SendAttemptFactory(delivery=row)
    DeliveryFactory(mailing=mailing)
    DeliveryFactory(mailing=mailing, status="skipped")
    assert broken() == {}
    return mailing


def broken():
    return {found.check: found.rows for found in check_ledger(NOW)}


def rows(status):
    return Delivery.objects.filter(status=status)


def sent():
    return rows("sent").get()


def accept_twice(mailing):
    SendAttemptFactory(delivery=sent())
    return sent()


def mail_an_address_twice(mailing):
    twin = DeliveryFactory(mailing=mailing, status="skipped", address=sent().address)
    MailingOut.objects.update(recipients_count=4)
    # The constraint forbids it; suppose that it was lost.
    Delivery.objects.filter(pk=twin.pk).update(address_key="x", status="uncertain")
    SendAttemptFactory(delivery=twin, outcome="uncertain")
    with_constraint_off(twin.pk, sent().address_key)
    return twin, sent()


def with_constraint_off(pk, key):
    from django.db import connection

    constraint = next(
        found
        for found in Delivery._meta.constraints
        if found.name == "one_delivery_per_address"
    )
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {constraint.name}")
    Delivery.objects.filter(pk=pk).update(address_key=key)


def forget_the_acceptance(mailing):
    SendAttempt.objects.all().delete()
    return sent()


def forget_the_message_id(mailing):
    rows("sent").update(message_id="")
    return sent()


def lose_the_result(mailing):
    rows("sent").update(status="failed", reason="gave_up")
    return rows("failed").get()


def lose_a_row(mailing):
    rows("skipped").delete()
    return mailing


def end_too_early(mailing):
    MailingOut.objects.update(status="D")
    return mailing


def cancel_but_leave_a_row(mailing):
    MailingOut.objects.update(status="I")
    return mailing


def forget_the_version(mailing):
    MailingOut.objects.update(version=None)
    return mailing


def forget_the_account(mailing):
    rows("queued").update(email_account=None)
    return rows("queued").get()


def die_and_nobody_looks(mailing):
    rows("queued").update(
        status="claimed",
        claim_token="6f9619ff-8b86-d011-b42d-00c04fc964ff",
        lease_until=NOW - HOUR - dt.timedelta(seconds=1),
    )
    return rows("claimed").get()


def add_half_of_it(mailing):
    rows("skipped").update(reason="preparing")
    return rows("skipped").get()


def leave_an_attempt_open(mailing):
    return SendAttemptFactory(delivery=rows("queued").get(), outcome="open")


def forget_the_launch(mailing):
    MailingOut.objects.update(launched_at=None)
    return mailing


def lose_the_state_of_a_mailing(mailing):
    MailingOut.objects.update(status="X")
    return mailing


def lose_the_state_of_a_row(mailing):
    """No count shows it, and a mailing would be done without it."""
    rows("queued").update(status="lost")
    return rows("lost").get()


def skip_for_no_reason_known(mailing):
    rows("skipped").update(reason="whatever")
    return rows("skipped").get()


def fail_for_no_reason(mailing):
    rows("queued").update(status="failed")
    return rows("failed").get()


def wait_again_without_proof(mailing):
    SendAttemptFactory(delivery=rows("queued").get(), outcome="uncertain")
    return rows("queued").get()


def doubt_what_was_never_begun(mailing):
    rows("queued").update(status="uncertain", reason="worker_lost")
    return rows("uncertain").get()


def begin_without_an_attempt(mailing):
    row = DeliveryFactory(mailing=mailing, status="sending")
    MailingOut.objects.update(recipients_count=4)
    return row


def miscount(mailing):
    rows("queued").update(status="skipped", reason="excluded")
    totals = mailing.counts() | {"sent": 2, "skipped": 1}
    MailingOut.objects.update(status="D", totals=totals)
    return mailing


def name_two_messages_alike(mailing):
    rows("queued").update(message_id=sent().message_id)
    return sent(), rows("queued").get()


def doubt_what_came_back(mailing):
    rows("sent").update(
        status="uncertain",
        reason="worker_lost",
        sending_at=NOW - 3 * HOUR,
        result_at=NOW - 3 * HOUR,
    )
    SendAttempt.objects.update(outcome="uncertain")
    row = rows("uncertain").get()
    DeliveryEventFactory(delivery=row, kind="bounced", occurred_at=NOW - 2 * HOUR)
    return row


DEFECTS = [
    ("accepted_twice", accept_twice),
    ("address_mailed_twice", mail_an_address_twice),
    ("sent_without_acceptance", forget_the_acceptance),
    ("sent_without_acceptance", forget_the_message_id),
    ("accepted_but_not_sent", lose_the_result),
    ("rows_lost", lose_a_row),
    ("done_but_open", end_too_early),
    ("cancelled_but_waiting", cancel_but_leave_a_row),
    ("launched_without_version", forget_the_version),
    ("waiting_for_nobody", forget_the_account),
    ("held_by_the_dead", die_and_nobody_looks),
    ("half_added", add_half_of_it),
    ("attempts_without_hand_over", leave_an_attempt_open),
    ("running_without_launch", forget_the_launch),
    ("mailing_in_no_state", lose_the_state_of_a_mailing),
    ("row_in_no_state", lose_the_state_of_a_row),
    ("row_in_no_state", skip_for_no_reason_known),
    ("row_in_no_state", fail_for_no_reason),
    ("in_doubt_but_waiting", wait_again_without_proof),
    ("hand_over_without_attempt", doubt_what_was_never_begun),
    ("hand_over_without_attempt", begin_without_an_attempt),
    ("totals_are_wrong", miscount),
    ("message_id_twice", name_two_messages_alike),
    ("proved_but_uncertain", doubt_what_came_back),
]


def test_every_check_has_a_defect_of_its_own():
    assert {check for check, _defect in DEFECTS} == set(CHECKS)


@pytest.mark.parametrize(("check", "defect"), DEFECTS, ids=[d[0] for d in DEFECTS])
def test_each_check_finds_what_was_broken(mailing, check, defect):
    found = defect(mailing)

    objects = found if isinstance(found, tuple) else (found,)
    assert broken() == {check: sorted(one.pk for one in objects)}


def test_a_proof_stands_in_for_an_acceptance(mailing):
    forget_the_acceptance(mailing)
    DeliveryEventFactory(delivery=sent(), kind="resolved")

    assert broken() == {}


@pytest.mark.parametrize("kind", ["put_back", "resolved"])
def test_who_decided_or_proved_it_lets_a_row_wait_again(mailing, kind):
    """Once: a second doubt wants a second decision."""
    row = wait_again_without_proof(mailing)
    DeliveryEventFactory(delivery=row, kind=kind)

    assert broken() == {}

    wait_again_without_proof(mailing)
    assert broken() == {"in_doubt_but_waiting": [row.pk]}


def test_an_uncertain_row_is_no_defect(mailing):
    row = rows("queued").get()
    SendAttemptFactory(delivery=row, outcome="uncertain")
    rows("queued").update(status="uncertain", reason="worker_lost")

    assert broken() == {}


def test_true_totals_are_no_defect(mailing):
    rows("queued").update(status="failed", reason="gave_up")
    MailingOut.objects.update(status="D", totals=mailing.counts())

    assert broken() == {}


def test_a_row_with_many_events_is_one_broken_row(mailing):
    DeliveryEventFactory.create_batch(3, delivery=sent())
    forget_the_message_id(mailing)

    [found] = check_ledger(NOW)

    assert (found.count, found.rows) == (1, [sent().pk])


def test_a_running_hand_over_is_no_defect(mailing):
    row = DeliveryFactory(mailing=mailing, status="sending")
    SendAttemptFactory(delivery=row, token=row.claim_token, outcome="open")
    MailingOut.objects.update(recipients_count=4)

    assert broken() == {}


def test_a_draft_waits_for_no_account_yet():
    mailing = MailingOutFactory(recipients_count=1)
    DeliveryFactory(mailing=mailing, version=None, email_account=None)

    assert broken() == {}


def test_all_are_counted_and_the_first_are_shown(mailing):
    first = rows("skipped").get()
    Delivery.objects.bulk_create(
        Delivery(
            mailing=mailing,
            content_type=first.content_type,
            object_id=f"r{number}",
            status="skipped",
            reason="preparing",
            not_before=NOW,
            queued_at=NOW,
        )
        for number in range(SHOWN + 20)
    )
    MailingOut.objects.update(recipients_count=3 + SHOWN + 20)

    [found] = check_ledger(NOW)

    assert found.promise == "never lost"
    assert found.count == SHOWN + 20
    assert len(found.rows) == SHOWN
    assert found.rows == sorted(found.rows)
