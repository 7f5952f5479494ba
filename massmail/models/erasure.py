"""Erasing a person: the texts go, the keys stay and go on forbidding."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from massmail.models.bounce import Bounce
from massmail.models.delivery import Delivery
from massmail.models.delivery_event import RETURNED_KINDS, DeliveryEvent
from massmail.models.delivery_states import OPEN_STATUSES
from massmail.models.suppressed_address import SuppressedAddress

Kind = DeliveryEvent.Kind
WITH_WORDS = (Kind.UNSUBSCRIBED, Kind.LEFT_LIST, *RETURNED_KINDS)
# Their detail is a subject.
ANSWERS = (Kind.REPLIED, Kind.AUTO_REPLIED)
# The code word in front of, or without, the words.
CHOICE = re.compile(r"[a-z_]+(?=: |\Z)")


@dataclass(frozen=True, slots=True)
class Erased:
    """How many mails lost their texts, and how many are still on their way."""

    mails: int
    left: int


@transaction.atomic
def erase(address_key: str, *, source: str, by: Any = None) -> Erased:
    """Take address, name and words out of all that was ever sent there. Idempotent.

    What waits is not sent. Mails that a worker holds, or whose fate is unknown, keep
    their address until they are settled: erase once more then. The host's record is
    the host's; whatever it imports again meets the key.
    """
    SuppressedAddress.objects.suppress_key(
        address_key, reason=SuppressedAddress.Reason.MANUAL, source=source, by=by
    )
    SuppressedAddress.objects.blank(address_key)
    mails = Delivery.objects.filter(address_key=address_key)
    mails.exclude(kind=Delivery.Kind.ALERT).skip(Delivery.SkipReason.SUPPRESSED)
    settled = mails.exclude(status__in=OPEN_STATUSES)
    forget_words(DeliveryEvent.objects.filter(delivery__in=settled))
    return Erased(
        mails=settled.update(name="", address="", smtp_text=""),
        left=mails.filter(status__in=OPEN_STATUSES).count(),
    )


def forget_words(events: Any) -> None:
    """Of the reason for leaving the chosen one stays, of a bounce its sort and reason;
    the words of persons and servers, which name the address, go."""
    for event in events.filter(kind__in=WITH_WORDS).exclude(detail=""):
        event.detail = without_words(event)
        event.save(update_fields=["detail"])


def without_words(event: DeliveryEvent) -> str:
    if event.kind in ANSWERS:
        return ""
    if event.kind == DeliveryEvent.Kind.BOUNCED:
        return Bounce.of(event.detail).without_words().detail
    chosen = CHOICE.match(event.detail)
    return chosen[0] if chosen else ""
