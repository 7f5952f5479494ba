"""Which accounts can send now; the walk may be repeated and doubled at will."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from massmail.models import AccountLane, EmailAccount, Heartbeat, MailingOut
from massmail.orchestrator.walk import walk_account_queues
from massmail.signals import mailing_done
from massmail.tests.factories import (
    NOW,
    DeliveryFactory,
    EmailAccountFactory,
    MailingOutFactory,
)
from massmail.tests.mailings import ready_settings

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)
SUNDAY = dt.datetime(2027, 3, 14, 12, tzinfo=dt.UTC)


@pytest.fixture
def row():
    return DeliveryFactory()


def found(now=NOW):
    return walk_account_queues(now)


def test_each_account_with_something_due_is_named_once(row):
    other = MailingOutFactory(owner=row.mailing.owner, launched=True)
    DeliveryFactory(mailing=other, email_account=row.email_account)
    second = DeliveryFactory(mailing=other)
    EmailAccountFactory()

    assert found() == [row.email_account_id, second.email_account_id]
    assert found() == [row.email_account_id, second.email_account_id]


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (MailingOut, {"status": "P"}),
        (MailingOut, {"stop_reason": "reputation"}),
        (MailingOut, {"start_at": NOW + HOUR}),
        (EmailAccount, {"state": "stopped"}),
        (EmailAccount, {"state": "paused"}),
        (EmailAccount, {"state": "paused", "paused_until": NOW + HOUR}),
        (EmailAccount, {"next_send_at": NOW + HOUR}),
        (EmailAccount, {"per_day": 0}),
    ],
    ids=str,
)
def test_what_cannot_send_is_not_named(row, model, fields):
    model.objects.update(**fields)

    assert found() == []


def test_rows_that_are_not_due_wake_nobody(row):
    type(row).objects.update(not_before=NOW + HOUR)

    assert found() == []
    assert found(NOW + 2 * HOUR) == [row.email_account_id]


def test_outside_business_hours_only_mail_without_a_mailing_wakes(row):
    ready_settings(use_business_time=True)
    alone = EmailAccountFactory()
    DeliveryFactory(
        mailing=None,
        version=None,
        kind="test",
        email_account=alone,
        recipient__owner=None,
    )

    assert found(SUNDAY) == [alone.pk]
    assert found(NOW) == sorted([alone.pk, row.email_account_id])


def test_an_account_whose_lanes_are_all_taken_is_not_named(row):
    EmailAccount.objects.update(max_connections=2)
    for number in (1, 2):
        lane = AccountLane.objects.create(
            email_account=row.email_account, number=number, lease_until=NOW + HOUR
        )

    assert found() == []
    lane.delete()
    assert found() == [row.email_account_id]


def test_a_pause_that_is_over_ends(row):
    EmailAccount.objects.update(state="paused", paused_until=NOW, state_reason="x")

    assert found() == [row.email_account_id]
    row.email_account.refresh_from_db()
    assert (row.email_account.state, row.email_account.state_reason) == ("active", "")


def test_what_dead_workers_held_is_due_again(row):
    claimed = DeliveryFactory(mailing=row.mailing, status="claimed")

    found(claimed.lease_until)

    claimed.refresh_from_db()
    assert claimed.status == "queued"


def test_a_mailing_that_came_to_its_end_is_done_and_told_once(
    row, django_capture_on_commit_callbacks
):
    type(row).objects.update(status="sent")
    told = []

    def listen(sender, mailing, **kwargs):
        told.append(mailing.pk)

    mailing_done.connect(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            found()
            found()
    finally:
        mailing_done.disconnect(listen)

    assert told == [row.mailing_id]


def test_the_walk_shows_that_the_beat_is_alive():
    found()

    beat = Heartbeat.objects.get()
    assert beat.name == Heartbeat.BEAT
    assert NOW <= beat.beat_at < NOW + HOUR


def test_a_walk_costs_the_same_for_one_row_and_for_many(row):
    found()

    def cost():
        with CaptureQueriesContext(connection) as captured:
            found()
        return len(captured)

    before = cost()
    DeliveryFactory.create_batch(
        20, mailing=row.mailing, email_account=row.email_account
    )
    assert cost() == before
