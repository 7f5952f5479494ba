"""The one door through which an uncertain delivery becomes certain."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction

from massmail.models.delivery import Delivery
from massmail.models.delivery_event import DeliveryEvent
from massmail.models.mailing_out import MailingOut


def resolve_by_proof(
    delivery_id: int, *, sent: bool, now: dt.datetime, detail: str, by: Any = None
) -> bool:
    """uncertain → sent (`sent`) or back to the queue; False when it was not uncertain.

    `detail` says what proved it (a click, a bounce, a copy in the Sent folder), `by`
    is the person who decided. The event is kept in the same transaction; mailings
    whose rows were put back go on, cancelled ones stay cancelled.
    """
    with transaction.atomic():
        if not Delivery.objects.resolve(delivery_id, sent=sent, now=now):
            return False
        delivery = Delivery.objects.get(pk=delivery_id)
        DeliveryEvent.objects.create(
            delivery=delivery,
            kind=DeliveryEvent.Kind.RESOLVED,
            occurred_at=now,
            detail=detail,
            by=by,
            source_key=f"resolved:{delivery_id}:{delivery.attempts}",
        )
        mailing = MailingOut.objects.filter(pk=delivery.mailing_id)
        mailing.reopen()
        mailing.close_cancelled()
        return True
