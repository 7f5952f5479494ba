"""How fast mailings go, and through which accounts their waiting rows leave."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Count, Q
from django.utils import timezone

from massmail.models import Delivery, EmailAccount

HOUR = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Pace:
    """Messages sent since the site's midnight, and in the last sixty minutes."""

    today: int = 0
    last_hour: int = 0

    def end_of(self, waiting: int, now: dt.datetime) -> dt.datetime | None:
        """When it ends if it goes on like this; None while it does not go."""
        if not waiting or not self.last_hour:
            return None
        return now + HOUR * (waiting / self.last_hour)


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
            today=Count("pk", filter=Q(result_at__gte=midnight)),
            last_hour=Count("pk", filter=Q(result_at__gte=now - HOUR)),
        )
    )
    return {mailing_id: Pace(today, hour) for mailing_id, today, hour in rows}


def waiting_accounts(mailing_ids: Collection[int]) -> dict[int, list[EmailAccount]]:
    """Along the index of the queue; two queries for any number of mailings."""
    pairs = set(
        Delivery.objects.filter(
            mailing__in=mailing_ids,
            status=Delivery.Status.QUEUED,
            email_account__isnull=False,
        )
        .order_by()
        .values_list("mailing", "email_account")
        .distinct()
    )
    accounts = EmailAccount.objects.filter(pk__in={pair[1] for pair in pairs})
    by_mailing = defaultdict(list)
    for account in accounts.order_by("name", "pk"):
        for mailing_id, account_id in pairs:
            if account_id == account.pk:
                by_mailing[mailing_id].append(account)
    return dict(by_mailing)
