"""Rows of drafts name an account before a launch gives it to them.

It is a plan (see `audience.assignment`): it keeps no account from being deleted, and
nothing waits for an account through it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Collection
from typing import Any

from django.apps import apps
from django.db import transaction
from django.db.models import PROTECT, Exists, OuterRef, Q, QuerySet
from django.db.models.deletion import Collector
from django.db.models.signals import pre_delete
from django.dispatch import receiver

from massmail.models.delivery_states import DeliveryStatus
from massmail.models.delivery_transitions import DeliveryQuerySet

PLANNED = Q(mailing__isnull=False, mailing__launched_at=None)
GIVEN = Q(mailing=None) | Q(mailing__launched_at__isnull=False)
# So many rows in one transaction: a moment for others, and still few statements.
CHUNK = 5000


def keep_unless_planned(collector: Any, field: Any, rows: QuerySet, using: str) -> None:
    """For `on_delete`: the ledger keeps its accounts, plans are dropped."""
    given = rows.filter(GIVEN)
    if given.exists():
        PROTECT(collector, field, given, using)
    collector.add_field_update(field, None, rows.filter(PLANNED))


# The rows may be a million: they are asked for, never loaded.
keep_unless_planned.lazy_sub_objs = True  # type: ignore[attr-defined]


@receiver(pre_delete, sender="massmail.EmailAccount")
def exclude_launches(sender: Any, instance: Any, using: str, **kwargs: Any) -> None:
    """A draft is launched before its plans are dropped, or after: never meanwhile.

    The launch looks for rows without an account under the same lock.
    """
    rows = apps.get_model("massmail", "Delivery").objects.filter(
        email_account=instance, mailing=OuterRef("pk"), status=DeliveryStatus.QUEUED
    )
    drafts = apps.get_model("massmail", "MailingOut").objects.using(using)
    planning = drafts.filter(Exists(rows), launched_at=None).order_by("pk")
    locked = planning.select_for_update(no_key=True).values_list("pk")
    list(locked.all())
    # From here on no row gets the account; other drafts' may just have got it.
    same = sender._base_manager.using(using).filter(pk=instance.pk)
    list(same.select_for_update().values_list("pk"))
    list(locked.all())


def drop_plans(accounts: Collection[Any], *, seconds: float) -> bool:
    """Bit by bit, for about so long; returns whether nothing plans with them any more.

    A deletion would write the rows of a large draft in a single transaction.
    """
    deadline = time.monotonic() + seconds
    rows = apps.get_model("massmail", "Delivery").objects.order_by("pk")
    rows = rows.filter(PLANNED, email_account__in=accounts)
    last = 0
    while chunk := list(rows.filter(pk__gt=last).values_list("pk", "mailing")[:CHUNK]):
        if time.monotonic() > deadline:
            return False
        last = chunk[-1][0]
        drop_some(rows, [pk for pk, _mailing in chunk], {of for _pk, of in chunk})
    return True


def make_deletable(accounts: QuerySet) -> None:
    """Drop all plans with accounts that are deleted next.

    Raises ProtectedError before, as the deletion does, for what the ledger keeps.
    """
    chosen = list(accounts)
    Collector(using=accounts.db).collect(chosen)
    drop_plans(chosen, seconds=math.inf)


@transaction.atomic
def drop_some(rows: Any, keys: Collection[int], mailings: Collection[int]) -> None:
    """Of those mailings that are still drafts; locked as for a deletion."""
    drafts = apps.get_model("massmail", "MailingOut").objects.order_by("pk")
    drafts = drafts.filter(pk__in=mailings, launched_at=None)
    locked = list(drafts.select_for_update(no_key=True).values_list("pk", flat=True))
    rows.among(keys).filter(mailing__in=locked).order_by().update(email_account=None)


def waiting_for(account: Any) -> DeliveryQuerySet:
    """What waits for the account, mailings' rows and others.

    The few mailings that are under way are named, for the queue's index to find their
    rows, however many a draft has.
    """
    mailings = apps.get_model("massmail", "MailingOut").objects.under_way()
    ids = list(mailings.values_list("pk", flat=True))
    # Said in either half: else SQLite looks for the account alone.
    queue = Q(email_account=account, status=DeliveryStatus.QUEUED)
    rows: DeliveryQuerySet = apps.get_model("massmail", "Delivery").objects.filter(
        queue & Q(mailing=None) | queue & Q(mailing__in=ids)
    )
    return rows
