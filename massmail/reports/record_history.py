"""What was mailed to one record of the host, and what came of it."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet

from massmail.models import Delivery, DeliveryEvent, MailingOut
from massmail.recipients.source import RecipientSource

Kind = DeliveryEvent.Kind
# What is told of a mail; opens and clicks count when a person made them.
TOLD = (
    Kind.OPENED,
    Kind.CLICKED,
    Kind.REPLIED,
    Kind.AUTO_REPLIED,
    Kind.BOUNCED,
    Kind.COMPLAINED,
    Kind.UNSUBSCRIBED,
    Kind.LEFT_LIST,
)


@dataclass(slots=True)
class MailedOnce:
    """A row of the ledger, with the first moment of each kind of answer and what was
    noted of it then."""

    delivery: Delivery
    answers: dict[str, dt.datetime] = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RecordHistory:
    """The latest mails of the visible mailings; `hidden` counts all others."""

    mails: list[MailedOnce]
    has_more: bool
    hidden: int


def history_of(
    source: RecipientSource,
    record: Any,
    *,
    mailings: QuerySet[MailingOut],
    limit: int = 100,
) -> RecordHistory:
    rows = Delivery.objects.filter(
        content_type=source.content_type,
        object_id=str(record.pk),
        kind=Delivery.Kind.MAILING,
    )
    visible = rows.filter(mailing__in=mailings.values("pk"))
    latest = visible.select_related("mailing", "mailing__message", "version")
    shown = list(latest.order_by("-pk")[: limit + 1])
    sent = rows.filter(status=Delivery.Status.SENT)
    others = sent.exclude(mailing__in=mailings.values("pk"))
    return RecordHistory(
        mails=with_answers(shown[:limit]),
        has_more=len(shown) > limit,
        hidden=others.count(),
    )


def with_answers(deliveries: list[Delivery]) -> list[MailedOnce]:
    found: dict[int, dict[str, dt.datetime]] = defaultdict(dict)
    details: dict[int, dict[str, str]] = defaultdict(dict)
    events = DeliveryEvent.objects.filter(
        delivery__in=deliveries, kind__in=TOLD, is_machine=False
    ).order_by("occurred_at")
    for delivery_id, kind, moment, detail in events.values_list(
        "delivery", "kind", "occurred_at", "detail"
    ):
        found[delivery_id].setdefault(kind, moment)
        details[delivery_id].setdefault(kind, detail)
    return [MailedOnce(row, found[row.pk], details[row.pk]) for row in deliveries]
