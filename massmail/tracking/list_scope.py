"""Leaving the target lists of one mailing, and staying in all others.

What is left are the lists that the mailing was made from and that have a name for
recipients, all of them at once: each row of the mailing may have come from any of them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Exists, OuterRef

from massmail.models import (
    Delivery,
    DeliveryEvent,
    MailingOut,
    SuppressedAddress,
    TargetList,
)
from massmail.models.suppressed_address import SuppressedAddressQuerySet
from massmail.tracking.responses import SOURCE, Responder, remember, responder
from massmail.tracking.responses import unsubscribe as leave_all


def lists_of(delivery: Delivery | None) -> list[TargetList]:
    """Those that its recipient may leave alone; none when there are no lists, or none
    of them is there any more: then only all mailings can be left."""
    if delivery is None or delivery.mailing_id is None:
        return []
    lists = TargetList.objects.active().exclude(public_name="")
    return list(lists.filter(mailings=delivery.mailing_id))


def left_by(
    address_key: str, *, content_type: ContentType, object_id: str
) -> list[TargetList]:
    """The lists that a record's person has left, also at an address of before."""
    mailed = Delivery.objects.filter(
        mailing__isnull=False, content_type=content_type, object_id=object_id
    )
    keys = {address_key, *mailed.values_list("address_key", flat=True)}
    rows = SuppressedAddress.objects.filter(
        target_list=OuterRef("pk"), address_key__in=keys
    )
    return list(TargetList.objects.active().filter(Exists(rows)))


def names_of(lists: Collection[TargetList]) -> str:
    """As recipients know them, each once; never the colleagues' own names."""
    names = dict.fromkeys(one.public_name for one in lists)
    return ", ".join(filter(None, names))


def has_left(person: Responder, lists: Collection[TargetList]) -> bool:
    """Each of them."""
    left = opt_outs(person.address_key, lists)
    return bool(lists) and left.count() == len(lists)


def unsubscribe_from_lists(
    text: str, *, now: dt.datetime, detail: str = "", source: str = SOURCE
) -> tuple[Responder, bool]:
    """(who, whether only lists were left); raises `tokens.InvalidToken`.

    Without lists it is a plain unsubscribing: whoever says "no" is never mailed on
    because a list was deleted while the page was open. Idempotent. The host's own flag
    is about all mailings, so it hears nothing of a list.
    """
    person = responder(text)
    lists = lists_of(person.delivery)
    if person.delivery is None or not lists:
        return leave_all(text, now=now, detail=detail, source=source), False
    with transaction.atomic():
        # In one order: two requests of one person do not wait for each other.
        for one in sorted(lists, key=lambda one: one.pk):
            SuppressedAddress.objects.suppress_key(
                person.address_key,
                address=person.address,
                reason=SuppressedAddress.Reason.OPTED_OUT,
                source=source,
                target_list=one,
            )
        skip_waiting(person.address_key, lists)
        remember(
            person.delivery, now=now, detail=detail, kind=DeliveryEvent.Kind.LEFT_LIST
        )
    return person, True


def skip_waiting(address_key: str, lists: Collection[TargetList]) -> int:
    """Rows that a worker holds are caught by the recheck before the hand-over."""
    mailings = MailingOut.objects.filter(target_lists__in=lists)
    return Delivery.objects.filter(
        address_key=address_key, mailing__in=mailings.values("pk")
    ).skip(Delivery.SkipReason.OPTED_OUT)


def opt_outs(
    address_key: str, lists: Collection[TargetList]
) -> SuppressedAddressQuerySet:
    return SuppressedAddress.objects.filter(
        address_key=address_key, target_list__in=lists
    )


def lift_opt_outs(
    address_key: str, lists: Collection[TargetList], *, source: str
) -> None:
    opt_outs(address_key, lists).lift(source=source)
