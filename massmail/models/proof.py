"""The doors through which a delivery whose fate was unknown becomes certain."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from massmail.models.delivery import Delivery
from massmail.models.delivery_event import DeliveryEvent
from massmail.models.mailing_out import MailingOut
from massmail.models.send_attempt import SendAttempt

Kind = DeliveryEvent.Kind


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
            # A person's "send again" allows one more acceptance, see `check_ledger`.
            kind=Kind.PUT_BACK if by is not None and not sent else Kind.RESOLVED,
            occurred_at=now,
            detail=detail,
            by=by,
            # A row may be in doubt any number of times.
            source_key=f"resolved:{delivery_id}:{uuid.uuid4().hex}",
        )
        if delivery.mailing_id:
            mailing = MailingOut.objects.filter(pk=delivery.mailing_id)
            mailing.reopen()
            mailing.close_cancelled()
        return True


def prove_arrival(delivery_id: int, *, now: dt.datetime, detail: str) -> bool:
    """Its recipient's side has the mail: it is never to be handed over again.

    That makes an uncertain row sent, one that waits for another try (a server that
    refused it had taken it all the same, or a person had it sent again), and one that
    was refused at a later try. False when nothing was to be changed; for one that is
    being sent at this moment its own result comes first. Inside the caller's
    transaction.
    """
    if resolve_by_proof(delivery_id, sent=True, now=now, detail=detail):
        return True
    tries = SendAttempt.objects.filter(delivery=OuterRef("pk"))
    unknown = tries.filter(outcome=SendAttempt.Outcome.UNCERTAIN)
    waits = Q(status__in=(Delivery.Status.QUEUED, Delivery.Status.CLAIMED))
    row = Delivery.objects.filter(
        waits & Exists(tries) | Q(status=Delivery.Status.FAILED) & Exists(unknown),
        pk=delivery_id,
    )
    if not row.mark_accepted(now):
        return False
    DeliveryEvent.objects.create(
        delivery_id=delivery_id,
        kind=Kind.RESOLVED,
        occurred_at=now,
        detail=detail,
        source_key=f"arrived:{delivery_id}:{uuid.uuid4().hex}",
    )
    MailingOut.objects.filter(deliveries=delivery_id).recount()
    return True


def settle_accepted(
    delivery_ids: Collection[int], *, now: dt.datetime, detail: str
) -> int:
    """Those that a server accepted at any attempt are sent, whatever came after.

    A server's answer may be heard late: when the row waits again because a person had
    it sent again, when it was cancelled meanwhile, or refused at another attempt.
    Inside the caller's transaction.
    """
    accepted = Delivery.objects.filter(
        pk__in=SendAttempt.objects.filter(
            delivery__in=delivery_ids, outcome=SendAttempt.Outcome.SENT
        ).values("delivery")
    )
    settled = [
        pk
        for pk in accepted.values_list("pk", flat=True)
        if Delivery.objects.filter(pk=pk).mark_accepted(now)
    ]
    DeliveryEvent.objects.bulk_create(
        DeliveryEvent(
            delivery_id=pk,
            kind=Kind.RESOLVED,
            occurred_at=now,
            detail=detail,
            source_key=f"accepted:{pk}",
        )
        for pk in settled
    )
    MailingOut.objects.filter(deliveries__in=settled).distinct().recount()
    return len(settled)
