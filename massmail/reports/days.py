"""What became of messages day by day."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass

from django.db.models import QuerySet, Subquery
from django.utils import timezone

from massmail.models import Delivery, MailingOut
from massmail.models.mailing_out import counted_rows

Status = Delivery.Status


@dataclass(frozen=True, slots=True)
class Day:
    date: dt.date
    sent: int = 0
    failed: int = 0


def latest_days(
    mailings: QuerySet[MailingOut], *, now: dt.datetime, count: int = 7
) -> list[Day]:
    """The site's last days, today included, the oldest first; one query.

    Each day is a piece of the index of results, so that no row need be read.
    """
    today = timezone.localtime(now).date()
    dates = [today - dt.timedelta(days=number) for number in reversed(range(count))]
    counts = {
        f"{status}_{date:%j}": rows_of_day(status, date)
        for date in dates
        for status in (Status.SENT, Status.FAILED)
    }
    found = Counter[str]()
    for mailing_counts in mailings.order_by().values(**counts):
        found.update(mailing_counts)
    return [
        Day(date, sent=found[f"sent_{date:%j}"], failed=found[f"failed_{date:%j}"])
        for date in dates
    ]


def rows_of_day(status: str, date: dt.date) -> Subquery:
    """How many rows of the outer mailing got this result on that day."""
    return counted_rows(
        status,
        result_at__gte=midnight_of(date),
        result_at__lt=midnight_of(date + dt.timedelta(days=1)),
    )


def midnight_of(date: dt.date) -> dt.datetime:
    return timezone.make_aware(dt.datetime.combine(date, dt.time()))
