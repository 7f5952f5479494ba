"""For which mailing an account last handed a message over."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import OuterRef, QuerySet, Subquery

from massmail.models import EmailAccount, MailingOut, SendAttempt


@dataclass(frozen=True, slots=True)
class LatestMailing:
    """`name` is "" where it may not be told."""

    name: str
    moment: dt.datetime


def latest_mailings(
    accounts: Iterable[EmailAccount], visible: QuerySet[MailingOut]
) -> dict[int, LatestMailing]:
    """By account; two queries for all of them, each attempt found by its index."""
    attempts = SendAttempt.objects.filter(
        email_account=OuterRef("pk"), delivery__mailing__isnull=False
    ).order_by("-occurred_at")
    rows = list(
        EmailAccount.objects.filter(pk__in=[account.pk for account in accounts])
        .annotate(
            moment=Subquery(attempts.values("occurred_at")[:1]),
            latest=Subquery(attempts.values("delivery__mailing")[:1]),
        )
        .values_list("pk", "moment", "latest")
    )
    ids = {mailing_id for _pk, _moment, mailing_id in rows if mailing_id}
    names = dict(visible.filter(pk__in=ids).values_list("pk", "name"))
    return {
        pk: LatestMailing(names.get(mailing_id, ""), moment)
        for pk, moment, mailing_id in rows
        if moment is not None
    }
