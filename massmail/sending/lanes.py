"""The right to one connection: a lease on a numbered lane of an account."""

from __future__ import annotations

import datetime as dt
import uuid

from django.db import transaction
from django.db.models import Q, Value
from django.db.models.functions import Greatest

from massmail.conf import conf
from massmail.models import AccountLane, EmailAccount


def free_lanes(now: dt.datetime) -> Q:
    return Q(lease_until=None) | Q(lease_until__lte=now)


def lanes_of(account: EmailAccount) -> int:
    """Gaps are the account's: more than one connection would only wait for them."""
    return 1 if account.has_gaps else account.max_connections


@transaction.atomic
def take_lanes(
    account: EmailAccount, token: uuid.UUID, *, wanted: int, now: dt.datetime
) -> int:
    """Lease up to `wanted` free lanes to the token; returns how many it got."""
    EmailAccount.objects.lock(account.pk)
    usable = lanes_of(account)
    lanes = AccountLane.objects.filter(email_account=account)
    add_missing_lanes(account, usable)
    taken = lanes.exclude(free_lanes(now)).count()
    allowed = max(0, min(wanted, usable - taken))
    free = lanes.filter(free_lanes(now), number__lte=usable).order_by("number")
    numbers = list(free.values_list("number", flat=True)[:allowed])
    return lanes.filter(free_lanes(now), number__in=numbers).update(
        token=token, lease_until=now + dt.timedelta(seconds=conf.LEASE_SECONDS)
    )


def add_missing_lanes(account: EmailAccount, usable: int) -> None:
    """Under the account's lock; an insert where nothing is missing would wait for
    runs that are just extending their lanes."""
    lanes = AccountLane.objects.filter(email_account=account)
    there = set(lanes.values_list("number", flat=True))
    missing = set(range(1, usable + 1)) - there
    AccountLane.objects.bulk_create(
        AccountLane(email_account=account, number=number) for number in sorted(missing)
    )


def extend_lanes(token: uuid.UUID, until: dt.datetime) -> int:
    """Lease the token's lanes for longer, never for less; returns how many it has.

    One of them may still wait for the reply to its dot while others go on.
    """
    longer = Greatest("lease_until", Value(until))
    return AccountLane.objects.filter(token=token).update(lease_until=longer)


def return_lanes(token: uuid.UUID) -> int:
    return AccountLane.objects.filter(token=token).update(token=None, lease_until=None)
