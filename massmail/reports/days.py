"""What became of messages day by day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Q
from django.db.models.functions import Coalesce, TruncDate
from django.utils import timezone

from massmail.models import Delivery, MailingOut

Status = Delivery.Status


@dataclass(frozen=True, slots=True)
class Day:
    date: dt.date
    sent: int = 0
    failed: int = 0


def latest_days(
    mailings: Iterable[MailingOut], *, now: dt.datetime, count: int = 7
) -> list[Day]:
    """The site's last days, today included, the oldest first; one query."""
    today = timezone.localtime(now).date()
    first = today - dt.timedelta(days=count - 1)
    since = timezone.make_aware(dt.datetime.combine(first, dt.time()))
    rows = (
        Delivery.objects.filter(
            Q(status=Status.SENT, sent_at__gte=since)
            | Q(status=Status.FAILED, result_at__gte=since),
            mailing__in=mailings,
        )
        .order_by()
        .values_list(TruncDate(Coalesce("sent_at", "result_at")), "status")
        .annotate(Count("pk"))
    )
    found = {(day, status): number for day, status, number in rows}
    return [
        Day(day, found.get((day, Status.SENT), 0), found.get((day, Status.FAILED), 0))
        for day in (first + dt.timedelta(days=number) for number in range(count))
    ]
