"""How fast mailings go, and through which accounts their waiting rows leave."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Count, OuterRef, Q, Subquery
from django.utils import timezone

from massmail.models import Delivery, EmailAccount

HOUR = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Pace:
    """Messages sent since the site's midnight, and in the last sixty minutes."""

    today: int = 0
    last_hour: int = 0


def paces(mailing_ids: Collection[int], *, now: dt.datetime) -> dict[int, Pace]:
    """One query along the index of results, so that old rows cost nothing."""
    midnight = timezone.localtime(now).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    since = min(midnight, now - HOUR)
    rows = (
        Delivery.objects.filter(
            mailing__in=mailing_ids,
            status=Delivery.Status.SENT,
            result_at__gte=since,
        )
        .order_by()
        .values_list("mailing")
        .annotate(
            today=Count("result_at", filter=Q(result_at__gte=midnight)),
            last_hour=Count("result_at", filter=Q(result_at__gte=now - HOUR)),
        )
    )
    return {mailing_id: Pace(today, hour) for mailing_id, today, hour in rows}


def waiting_accounts(mailing_ids: Collection[int]) -> dict[int, list[EmailAccount]]:
    """Through which the rest of each mailing leaves; one query for all of them.

    One look into the queue's index for each account and mailing, whatever waits there.
    """
    first = {f"first_row_of_{pk}": first_waiting(pk) for pk in mailing_ids}
    by_mailing = defaultdict(list)
    accounts = EmailAccount.objects.annotate(**first).order_by("name", "pk")
    for account in accounts if first else ():
        for pk in mailing_ids:
            if getattr(account, f"first_row_of_{pk}") is not None:
                by_mailing[pk].append(account)
    return dict(by_mailing)


def first_waiting(mailing_id: int) -> Subquery:
    """The mailing's row that the outer account sends first.

    An EXISTS would let PostgreSQL read all waiting rows of the mailing instead.
    """
    rows = Delivery.objects.filter(
        mailing=mailing_id,
        status=Delivery.Status.QUEUED,
        email_account=OuterRef("pk"),
    )
    return Subquery(rows.order_by("priority", "not_before", "pk").values("pk")[:1])
