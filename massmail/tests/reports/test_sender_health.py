"""Is the sender running, and how much waits for it?"""

from __future__ import annotations

import datetime as dt

import pytest

from massmail.models import AccountLane, Heartbeat
from massmail.reports.sender_health import sender_health
from massmail.tests.factories import (
    NOW,
    DeliveryFactory,
    EmailAccountFactory,
    MailingOutFactory,
)

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)


def alive(health):
    return {pulse.name: pulse.is_alive for pulse in health.pulses}


def test_without_a_sign_of_life_it_does_not_run():
    health = sender_health(NOW)

    assert alive(health) == {"beat": False, "worker": False}
    assert [pulse.beat_at for pulse in health.pulses] == [None, None]
    assert not health.is_running


def test_both_have_to_be_alive():
    Heartbeat.objects.beat("beat", NOW)
    Heartbeat.objects.beat("worker", NOW - HOUR)
    assert alive(sender_health(NOW)) == {"beat": True, "worker": False}

    Heartbeat.objects.beat("worker", NOW)
    assert sender_health(NOW).is_running


def test_a_held_lane_proves_a_worker_that_is_long_about_one_message():
    Heartbeat.objects.beat("beat", NOW)
    account = EmailAccountFactory()
    AccountLane.objects.create(email_account=account, number=1, lease_until=NOW + HOUR)

    assert sender_health(NOW).is_running


def test_it_counts_what_may_leave_and_since_when():
    mailing = MailingOutFactory(launched=True)
    DeliveryFactory(mailing=mailing, not_before=NOW - 2 * HOUR)
    DeliveryFactory(mailing=mailing, not_before=NOW)
    DeliveryFactory(mailing=mailing, not_before=NOW + HOUR)
    DeliveryFactory(mailing=mailing, status="sent")

    health = sender_health(NOW)

    assert (health.waiting, health.due) == (3, 2)
    assert health.oldest_at == NOW - 2 * HOUR


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"launched": True, "status": "P"},
        {"launched": True, "stop_reason": "reputation"},
        {"launched": True, "start_at": NOW + HOUR},
    ],
)
def test_what_waits_for_a_person_or_a_day_is_not_counted(fields):
    DeliveryFactory(mailing=MailingOutFactory(**fields))

    assert sender_health(NOW).waiting == 0
