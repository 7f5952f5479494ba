"""What became of messages day by day."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db.models import QuerySet, Subquery
from django.utils import timezone

from massmail.models import Delivery, MailingOut
from massmail.models.mailing_out import counted_rows
from massmail.reports.recent_counts import MANY, Counts, counted_lately

Status = Delivery.Status


@dataclass(frozen=True, slots=True)
class Day:
    date: dt.date
    sent: int = 0
    failed: int = 0


def latest_days(
    mailings: QuerySet[MailingOut], *, now: dt.datetime, count: int = 7
) -> list[Day]:
    """The site's last days, today included, the oldest first.

    Of large mailings they are a few seconds old; see `recent_counts`.
    """
    today = timezone.localtime(now).date()
    dates = [today - dt.timedelta(days=number) for number in reversed(range(count))]

    def key(mailing: MailingOut) -> str | None:
        is_kept = mailing.recipients_count >= MANY
        kept = f"massmail-days-{mailing.pk}-{count}-{midnight_of(today).isoformat()}"
        return kept if is_kept else None

    rows = mailings.order_by().only("recipients_count")
    counted = counted_lately(rows, partial(results_by_day, dates=dates), key)
    found = Counter[str]()
    for counts in counted.values():
        found.update(counts)
    return [
        Day(date, sent=found[f"sent_{date:%j}"], failed=found[f"failed_{date:%j}"])
        for date in dates
    ]


def results_by_day(
    mailings: list[MailingOut], *, dates: Iterable[dt.date]
) -> dict[int, Counts]:
    """{mailing id: {result and day: rows}}; one query.

    Each day is a piece of the index of results, so that no row need be read.
    """
    counts = {
        f"{status}_{date:%j}": rows_of_day(status, date)
        for date in dates
        for status in (Status.SENT, Status.FAILED)
    }
    keys = [mailing.pk for mailing in mailings]
    mailings_asked = MailingOut.objects.filter(pk__in=keys).order_by()
    # The stubs see only the key in them.
    rows: Iterable[Any] = mailings_asked.values("pk", **counts)
    return {row.pop("pk"): row for row in rows}


def rows_of_day(status: str, date: dt.date) -> Subquery:
    """How many rows of the outer mailing got this result on that day."""
    return counted_rows(
        status,
        result_at__gte=midnight_of(date),
        result_at__lt=midnight_of(date + dt.timedelta(days=1)),
    )


def midnight_of(date: dt.date) -> dt.datetime:
    return timezone.make_aware(dt.datetime.combine(date, dt.time()))
