"""Whether the host's records get mailings: consent, suppression, VIP, last mail."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Max, Q, QuerySet, TextChoices
from django.utils.translation import gettext_lazy as _

from massmail.models import (
    Delivery,
    DeliveryEvent,
    MailingOut,
    MassContact,
    SuppressedAddress,
)
from massmail.models.address import Address, InvalidAddress
from massmail.models.suppressed_address import parent_domains
from massmail.recipients.source import RecipientSource

OPTED_OUT = SuppressedAddress.Reason.OPTED_OUT


class State(TextChoices):
    """In the order of their weight: the first one that holds is the record's."""

    NO_ADDRESS = "no_address", _("no valid address")
    OPTED_OUT = "opted_out", _("opted out")
    SUPPRESSED = "suppressed", _("on the don't-mail list")
    NEVER_MAILED = "never_mailed", _("never mailed")
    SUBSCRIBED = "subscribed", _("subscribed")


@dataclass(frozen=True, slots=True)
class Newsletter:
    """`origin` is the mailing or the way by which somebody left, or why not mailed."""

    state: State
    is_vip: bool = False
    since: dt.datetime | None = None
    origin: str = ""
    last_sent_at: dt.datetime | None = None


def newsletters(
    source: RecipientSource, pks: Iterable[Any], *, mailings: QuerySet[MailingOut]
) -> dict[str, Newsletter]:
    """By object id, at the same number of queries for any number of records.

    `mailings` are those whose names may be told.
    """
    pks = list(pks)
    found = Found(source, pks, mailings)
    return {object_id: found.newsletter(object_id) for object_id in map(str, pks)}


class Found:
    """What the tables know of some records of one source."""

    def __init__(
        self, source: RecipientSource, pks: list[Any], mailings: QuerySet[MailingOut]
    ) -> None:
        recipients = source.recipients(pks)
        self.addresses = parsed_addresses(
            {key: recipient.address for key, recipient in recipients.items()}
        )
        self.listed = listed(self.addresses.values())
        ids = [str(pk) for pk in pks]
        of_records = {"content_type": source.content_type, "object_id__in": ids}
        self.identities = {
            row.object_id: row for row in MassContact.objects.filter(**of_records)
        }
        self.flagged = flagged(source, pks)
        self.last_sent = dict(
            Delivery.objects.filter(status=Delivery.Status.SENT, **of_records)
            .order_by()
            .values_list("object_id")
            .annotate(Max("sent_at"))
        )
        keys = [address.key for address in self.addresses.values()]
        self.leavings = leavings(Q(**of_records) | Q(address_key__in=keys), mailings)

    def newsletter(self, object_id: str) -> Newsletter:
        identity = self.identities.get(object_id)
        state, since, origin = self.standing(object_id, identity)
        return Newsletter(
            state=state,
            is_vip=bool(identity and identity.is_vip),
            since=since,
            origin=origin,
            last_sent_at=self.last_sent.get(object_id),
        )

    def standing(
        self, object_id: str, identity: MassContact | None
    ) -> tuple[State, dt.datetime | None, str]:
        address = self.addresses.get(object_id)
        row = self.row_of(address) if address else None
        if row is not None and row.reason == OPTED_OUT:
            when, name = self.leaving(object_id, address)
            return State.OPTED_OUT, when or row.created_at, name or row.source
        unsubscribed = identity is not None and not identity.subscribed
        if unsubscribed or object_id in self.flagged:
            return State.OPTED_OUT, *self.leaving(object_id, address)
        if address is None:
            return State.NO_ADDRESS, None, ""
        if row is not None:
            return State.SUPPRESSED, row.created_at, str(row.get_reason_display())
        known = object_id in self.last_sent
        return (State.SUBSCRIBED if known else State.NEVER_MAILED), None, ""

    def row_of(self, address: Address) -> SuppressedAddress | None:
        """What forbids the address; an opt-out of its own weighs most."""
        places = [address.key, *parent_domains(address.domain)]
        rows = [self.listed[place] for place in places if place in self.listed]
        return rows[0] if rows else None

    def leaving(
        self, object_id: str, address: Address | None
    ) -> tuple[dt.datetime | None, str]:
        """When and from which mailing the record, or its address, opted out."""
        keys = [object_id, address.key if address else ""]
        found = [self.leavings[key] for key in keys if key in self.leavings]
        return max(found, key=lambda one: one[0]) if found else (None, "")


def parsed_addresses(texts: Mapping[str, str]) -> dict[str, Address]:
    """Those that can be mailed at all."""
    found = {}
    for object_id, text in texts.items():
        try:
            found[object_id] = Address.parse(text)
        except InvalidAddress:
            continue
    return found


def listed(addresses: Iterable[Address]) -> dict[str, SuppressedAddress]:
    """Rows of the don't-mail list, by key or domain, that forbid any of these."""
    rows = SuppressedAddress.objects.forbidding(list(addresses))
    return {row.address_key or row.domain: row for row in rows}


def flagged(source: RecipientSource, pks: list[Any]) -> set[str]:
    """Records that the host itself keeps from mailings by its opt-out flag."""
    condition = source.exclusions.get("opted_out")
    if condition is None:
        return set()
    rows = source.model._base_manager.filter(condition, pk__in=pks)
    return {str(pk) for pk in rows.values_list("pk", flat=True)}


def leavings(
    deliveries: Q, mailings: QuerySet[MailingOut]
) -> dict[str, tuple[dt.datetime, str]]:
    """(when, the mailing's name where it may be told), by object id and address key."""
    events = DeliveryEvent.objects.filter(
        kind=DeliveryEvent.Kind.UNSUBSCRIBED,
        delivery__in=Delivery.objects.filter(deliveries).values("pk"),
    ).order_by("occurred_at")
    rows = list(
        events.values_list(
            "delivery__object_id",
            "delivery__address_key",
            "delivery__mailing",
            "occurred_at",
        )
    )
    ids = {row[2] for row in rows if row[2]}
    names = dict(mailings.filter(pk__in=ids).values_list("pk", "name")) if ids else {}
    found = {}
    for object_id, address_key, mailing_id, occurred_at in rows:
        told = (occurred_at, names.get(mailing_id, ""))
        found[object_id] = found[address_key] = told
    return found
