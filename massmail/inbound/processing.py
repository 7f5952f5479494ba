"""What a return changes, each inside the caller's transaction.

Rows are locked in the order in which an unsubscribing recipient locks them: the
don't-mail list, then deliveries, then the mailing.
"""

from __future__ import annotations

import datetime as dt
import hashlib

from massmail.inbound.decoding import one_line
from massmail.inbound.identifiers import own_id
from massmail.inbound.parser import Mail
from massmail.models import Delivery, DeliveryEvent, SuppressedAddress
from massmail.models.bounce import MOST_LETTERS, Bounce, BounceSort
from massmail.models.delivery_event import RETURNED_KINDS
from massmail.models.proof import prove_arrival
from massmail.models.soft_bounces import suppress_after_failures

Kind = DeliveryEvent.Kind
# More tell nothing new, whoever sends us the same again and again.
MOST_EVENTS = 50


class NothingNew(Exception):
    """The mail was received before: what its second reader did is to be undone."""


def mark_of(mail: Mail) -> str:
    """What two copies of one mail share, whichever ways they took."""
    name = own_id(mail)
    fields = [mail.fields.raw(field) for field in ("date", "from", "subject")]
    text = name or "\0".join([*fields, mail.text[:1000]])
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def require_news(delivery: Delivery, source_key: str) -> None:
    """Raises NothingNew; also for one that has had more than can be of use."""
    events = DeliveryEvent.objects.filter(delivery=delivery, kind__in=RETURNED_KINDS)
    known = set(events.values_list("source_key", flat=True)[: MOST_EVENTS + 1])
    if source_key in known or len(known) >= MOST_EVENTS:
        raise NothingNew


def add_event(
    delivery: Delivery, kind: str, source_key: str, *, detail: str, now: dt.datetime
) -> None:
    """Once, whoever else is adding it at this moment; raises NothingNew."""
    _event, is_new = DeliveryEvent.objects.get_or_create(
        source_key=source_key,
        defaults={
            "delivery": delivery,
            "kind": kind,
            "occurred_at": now,
            "detail": one_line(detail, MOST_LETTERS),
        },
    )
    if not is_new:
        raise NothingNew
    prove_arrival(delivery.pk, now=now, detail=f"mail: {kind}")


def record_bounce(
    delivery: Delivery, bounce: Bounce, *, mark: str, now: dt.datetime
) -> None:
    """Keeps it, and what it says of the address; raises NothingNew."""
    source_key = f"{Kind.BOUNCED}:{delivery.pk}:{mark}"
    require_news(delivery, source_key)
    if is_erased(delivery):
        bounce = bounce.without_words()
    if bounce.sort == BounceSort.HARD:
        SuppressedAddress.objects.suppress_key(
            delivery.address_key,
            address=delivery.address,
            reason=SuppressedAddress.Reason.HARD_BOUNCE,
            source=one_line(f"bounce: {bounce.words or bounce.reason}", 200),
        )
    add_event(delivery, Kind.BOUNCED, source_key, detail=bounce.detail, now=now)
    if bounce.sort == BounceSort.SOFT:
        key, address = delivery.address_key, delivery.address
        suppress_after_failures(key, address=address, now=now)


def record_complaint(delivery: Delivery, *, detail: str, now: dt.datetime) -> None:
    """A person complains once about a mail; raises NothingNew."""
    source_key = f"{Kind.COMPLAINED}:{delivery.pk}"
    add_event(delivery, Kind.COMPLAINED, source_key, detail=detail, now=now)


def record_answer(
    delivery: Delivery, kind: str, *, subject: str, mark: str, now: dt.datetime
) -> None:
    """A person's or a program's; raises NothingNew."""
    source_key = f"{kind}:{delivery.pk}:{mark}"
    require_news(delivery, source_key)
    detail = "" if is_erased(delivery) else subject
    add_event(delivery, kind, source_key, detail=detail, now=now)


def is_erased(delivery: Delivery) -> bool:
    """Of a person who was erased nothing is written down any more that is a text."""
    return not delivery.address
