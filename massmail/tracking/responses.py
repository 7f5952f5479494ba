"""What recipients tell us by the links of a mail."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Q, QuerySet
from django.dispatch import Signal

from massmail import signals, tokens
from massmail.models import Delivery, DeliveryEvent, MassContact, SuppressedAddress
from massmail.models.ordinary_opt_out import opt_out_at_once
from massmail.models.proof import resolve_by_proof
from massmail.recipients.registry import source_for
from massmail.tracking.consent import set_tracking
from massmail.tracking.public_links import UNSUBSCRIBE

SOURCE = "unsubscribe link"


@dataclass(frozen=True)
class Responder:
    """Who opened a link, as far as the rows still tell.

    The mail is looked for when it is asked for: a one-click request never asks.
    """

    address_key: str
    delivery_id: int = 0

    @classmethod
    def of(cls, address_key: str, delivery: Delivery | None) -> Responder:
        """One whose mail is known already, or is none."""
        person = cls(address_key, delivery.pk if delivery else 0)
        # Where the cached property keeps it.
        vars(person)["delivery"] = delivery
        return person

    @cached_property
    def delivery(self) -> Delivery | None:
        return Delivery.objects.filter(pk=self.delivery_id).first()

    @property
    def address(self) -> str:
        """ "" when the address was erased, or every row is gone."""
        if self.delivery and self.delivery.address_key == self.address_key:
            return self.delivery.address
        known = SuppressedAddress.objects.of_person(self.address_key).first()
        return known.address if known else ""

    @property
    def language(self) -> str:
        """That of the record; "" when it has none, or is gone."""
        return language_of(self.delivery) if self.delivery else ""

    @property
    def has_opted_out(self) -> bool:
        return (
            SuppressedAddress.objects.for_all()
            .of_address(self.address_key)
            .filter(reason=SuppressedAddress.Reason.OPTED_OUT)
            .exists()
        )


def language_of(delivery: Delivery) -> str:
    if delivery.content_type is None:
        return ""
    try:
        source = source_for(delivery.content_type)
    except LookupError:
        return ""
    recipients = source.recipients([source.pk_of(delivery.object_id)])
    recipient = recipients.get(delivery.object_id)
    return recipient.language if recipient else ""


def responder(text: str) -> Responder:
    """Who holds this token of an unsubscribe link; raises `tokens.InvalidToken`."""
    token = tokens.read(UNSUBSCRIBE, text)
    return Responder(token.address_key, token.delivery_id)


def unsubscribe(
    text: str, *, now: dt.datetime, detail: str = "", source: str = SOURCE
) -> Responder:
    """Opt an address out of every mailing; raises `tokens.InvalidToken`.

    `detail` is the reason that the person gave, `source` the way by which they came.
    Idempotent, safe for two at once, and good when every row is gone. The host is
    told after the commit: a fault of its hook must not cost anybody the opt-out.
    """
    person = responder(text)
    records = opt_out_at_once(
        person.delivery_id, person.address_key, now=now, source=source, detail=detail
    )
    if records:
        tell_after_commit(records, person)
        return person
    with transaction.atomic():
        suppress(person, source)
        skip_waiting(person)
        records = opt_out_records(person)
        if person.delivery:
            remember(person.delivery, now=now, detail=detail)
        tell_after_commit(records, person)
    return person


def tell_after_commit(records: dict[int, list[str]], person: Responder) -> None:
    for content_type_id, object_ids in records.items():
        tell_host = news_for_host(content_type_id, object_ids, person)
        transaction.on_commit(tell_host, robust=True)


def suppress(person: Responder, source: str) -> None:
    """Locks the row: two requests of one person go one after the other from here."""
    SuppressedAddress.objects.suppress_key(
        person.address_key,
        address=person.address,
        reason=SuppressedAddress.Reason.OPTED_OUT,
        source=source,
    )


def skip_waiting(person: Responder) -> int:
    """Rows that a worker holds are caught by the recheck before the hand-over."""
    return Delivery.objects.filter(address_key=person.address_key).skip(
        Delivery.SkipReason.OPTED_OUT
    )


def opt_out_records(person: Responder) -> dict[int, list[str]]:
    """Unsubscribe the records that were ever mailed at this address."""
    records = records_mailed(person)
    for content_type_id, object_ids in records.items():
        MassContact.objects.set_all(content_type_id, object_ids, subscribed=False)
    return records


def records_mailed(person: Responder) -> dict[int, list[str]]:
    """Object ids by content type, all in one order: their identities get locked."""
    mailed = Q(address_key=person.address_key)
    # The address of the row may have changed since its link was made.
    if person.delivery and person.delivery.address_key != person.address_key:
        mailed |= Q(pk=person.delivery.pk)
    rows = Delivery.objects.filter(mailed, content_type__isnull=False).order_by()
    records: dict[int, list[str]] = defaultdict(list)
    for content_type_id, object_id in sorted(
        set(rows.values_list("content_type_id", "object_id"))
    ):
        records[content_type_id].append(object_id)
    return dict(records)


def identities(content_type_id: int, object_ids: list[str]) -> QuerySet[MassContact]:
    return MassContact.objects.filter(
        content_type_id=content_type_id, object_id__in=object_ids
    )


def opted_out_identities(
    content_type_id: int, object_ids: list[str]
) -> QuerySet[MassContact]:
    return identities(content_type_id, object_ids).filter(subscribed=False)


def forbid_tracking(person: Responder) -> None:
    """Opens and clicks of this person are not noted from now on; idempotent."""
    set_tracking(records_mailed(person), is_allowed=False)


def remember(
    delivery: Delivery,
    *,
    now: dt.datetime,
    detail: str,
    kind: str = DeliveryEvent.Kind.UNSUBSCRIBED,
) -> None:
    """Keep the event once; it also proves that an uncertain mail was delivered."""
    event = DeliveryEvent(
        source_key=f"{kind}:{delivery.pk}",
        delivery=delivery,
        kind=kind,
        occurred_at=now,
        detail=detail,
    )
    DeliveryEvent.objects.bulk_create([event], ignore_conflicts=True)
    if delivery.status != Delivery.Status.SENT:
        resolve_by_proof(delivery.pk, sent=True, now=now, detail=SOURCE)


def news_for_host(
    content_type_id: int,
    object_ids: list[str],
    person: Responder,
    *,
    hook: str = "on_unsubscribe",
    signal: Signal = signals.unsubscribed,
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
        getattr(source, hook)([key for key in keys if key is not None])
        if not signal.has_listeners(Delivery):
            # Nobody asks for the mail and its address.
            return
        signal.send(
            sender=Delivery,
            content_type=content_type,
            object_ids=object_ids,
            address=person.address,
            delivery=person.delivery,
        )

    return tell_host
