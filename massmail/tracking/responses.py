"""What recipients tell us by the links of a mail."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Q

from massmail import signals, tokens
from massmail.models import Delivery, DeliveryEvent, MassContact, SuppressedAddress
from massmail.models.proof import resolve_by_proof
from massmail.recipients.registry import source_for
from massmail.tracking.public_links import UNSUBSCRIBE

SOURCE = "unsubscribe link"


@dataclass(frozen=True, slots=True)
class Responder:
    """Who opened a link, as far as the rows still tell."""

    address_key: str
    delivery: Delivery | None

    @property
    def address(self) -> str:
        """ "" when the address was erased, or every row is gone."""
        if self.delivery and self.delivery.address_key == self.address_key:
            return self.delivery.address
        known = SuppressedAddress.objects.filter(address_key=self.address_key).first()
        return known.address if known else ""


def responder(text: str) -> Responder:
    """Who holds this token of an unsubscribe link; raises `tokens.InvalidToken`."""
    token = tokens.read(UNSUBSCRIBE, text)
    delivery = Delivery.objects.filter(pk=token.delivery_id).first()
    return Responder(token.address_key, delivery)


def unsubscribe(text: str, *, now: dt.datetime) -> Responder:
    """Opt an address out of every mailing; raises `tokens.InvalidToken`.

    Idempotent, safe for two at once, and good when every row is gone. The host is
    told after the commit: a fault of its hook must not cost anybody the opt-out.
    """
    person = responder(text)
    with transaction.atomic():
        suppress(person)
        skip_waiting(person)
        records = opt_out_records(person)
        if person.delivery:
            remember(person.delivery, now=now)
        for content_type_id, object_ids in records.items():
            tell_host = news_for_host(content_type_id, object_ids, person)
            transaction.on_commit(tell_host, robust=True)
    return person


def suppress(person: Responder) -> None:
    row = SuppressedAddress.objects.suppress_key(
        person.address_key,
        address=person.address,
        reason=SuppressedAddress.Reason.OPTED_OUT,
        source=SOURCE,
    )
    # Two requests of one person go one after the other from here on.
    SuppressedAddress.objects.select_for_update().get(pk=row.pk)


def skip_waiting(person: Responder) -> None:
    """Rows that a worker holds are caught by the recheck before the hand-over."""
    Delivery.objects.filter(address_key=person.address_key).skip(
        Delivery.SkipReason.OPTED_OUT
    )


def opt_out_records(person: Responder) -> dict[int, list[str]]:
    """Unsubscribe the records that were ever mailed at this address.

    Returns their object ids by content type.
    """
    mailed = Q(address_key=person.address_key)
    if person.delivery:
        mailed |= Q(pk=person.delivery.pk)
    pairs = (
        Delivery.objects.filter(mailed, content_type__isnull=False)
        .order_by("content_type_id", "object_id")
        .values_list("content_type_id", "object_id")
        .distinct()
    )
    records: dict[int, list[str]] = defaultdict(list)
    for content_type_id, object_id in pairs:
        records[content_type_id].append(object_id)
    for content_type_id, object_ids in records.items():
        opt_out_identities(content_type_id, object_ids)
    return dict(records)


def opt_out_identities(content_type_id: int, object_ids: list[str]) -> None:
    MassContact.objects.bulk_create(
        [
            MassContact(content_type_id=content_type_id, object_id=object_id)
            for object_id in object_ids
        ],
        ignore_conflicts=True,
    )
    MassContact.objects.filter(
        content_type_id=content_type_id, object_id__in=object_ids, subscribed=True
    ).update(subscribed=False)


def remember(delivery: Delivery, *, now: dt.datetime) -> None:
    """Keep the event once; it also proves that an uncertain mail was delivered."""
    DeliveryEvent.objects.get_or_create(
        source_key=f"unsubscribed:{delivery.pk}",
        defaults={
            "delivery": delivery,
            "kind": DeliveryEvent.Kind.UNSUBSCRIBED,
            "occurred_at": now,
        },
    )
    resolve_by_proof(delivery.pk, sent=True, now=now, detail=SOURCE)


def news_for_host(
    content_type_id: int, object_ids: list[str], person: Responder
) -> Callable[[], None]:
    """What to do after the commit; a function, since Django logs its name."""

    def tell_host() -> None:
        content_type = ContentType.objects.get_for_id(content_type_id)
        try:
            source = source_for(content_type)
        except LookupError:
            # The host no longer offers such recipients: they are its own again.
            return
        keys = [source.pk_of(text) for text in object_ids]
        source.on_unsubscribe([key for key in keys if key is not None])
        signals.unsubscribed.send(
            sender=Delivery,
            content_type=content_type,
            object_ids=object_ids,
            address=person.address,
            delivery=person.delivery,
        )

    return tell_host
