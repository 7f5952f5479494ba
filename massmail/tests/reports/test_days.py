"""The chart of the last days, whose large mailings are counted once for all."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.cache import cache
from django.utils import timezone

from massmail.models import Delivery, MailingOut
from massmail.reports.days import latest_days
from massmail.reports.recent_counts import MANY
from massmail.tests.factories import DeliveryFactory, MailingOutFactory

pytestmark = pytest.mark.django_db


def sent_mailing(recipients_count: int, at: dt.datetime) -> MailingOut:
    mailing = MailingOutFactory(launched=True, recipients_count=recipients_count)
    DeliveryFactory(mailing=mailing, status="sent", result_at=at)
    return mailing


def sent_by_day(now: dt.datetime) -> list[int]:
    return [day.sent for day in latest_days(MailingOut.objects.all(), now=now, count=2)]


def test_a_large_mailing_is_not_counted_for_each_viewer():
    now = timezone.now()
    for recipients_count in (MANY, MANY - 1):
        sent_mailing(recipients_count, now)
    assert sent_by_day(now) == [0, 2]

    yesterday = now - dt.timedelta(days=1)
    Delivery.objects.update(result_at=yesterday)
    assert sent_by_day(now) == [1, 1]

    cache.clear()  # as after some seconds
    assert sent_by_day(now) == [2, 0]


def test_at_midnight_they_are_counted_anew():
    now = timezone.now()
    sent_mailing(MANY, now)
    assert sent_by_day(now) == [0, 1]

    assert sent_by_day(now + dt.timedelta(days=1)) == [1, 0]
