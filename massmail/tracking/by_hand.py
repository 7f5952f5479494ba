"""An opt-out that a colleague enters for a person, and its way back.

Both are kept in the history of the don't-mail list with who did it and why. What the
recipient decided is lifted by nobody in passing: it needs the right, and a reason.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.dispatch import Signal
from django.utils.translation import gettext as _

from massmail import signals
from massmail.exceptions import NotAllowed
from massmail.models import Delivery, DeliveryEvent, MassContact, SuppressedAddress
from massmail.models.address import Address, InvalidAddress
from massmail.models.suppressed_address import SuppressedAddressQuerySet
from massmail.recipients.source import RecipientSource
from massmail.tracking.consent import objecting, set_tracking
from massmail.tracking.responses import (
    Responder,
    news_for_host,
    opted_out_identities,
    records_mailed,
    skip_waiting,
)
from massmail.tracking.resubscribing import last_mailed, lift_opt_out

OPTED_OUT = SuppressedAddress.Reason.OPTED_OUT
LIFT = "massmail.lift_opt_out"


@dataclass(frozen=True, slots=True)
class Person:
    """A record of the host and, where it has one that is valid, its address."""

    source: RecipientSource
    object_id: str
    address: Address | None

    @property
    def key(self) -> str:
        return self.address.key if self.address else ""

    @property
    def responder(self) -> Responder:
        return last_mailed(self.key) if self.key else Responder.of("", None)

    def records(self) -> dict[int, list[str]]:
        """This record and all that were mailed at its address, by content type.

        In the order in which an unsubscribing recipient locks them.
        """
        found: dict[int, list[str]] = defaultdict(list)
        if self.key:
            found |= records_mailed(self.responder)
        own = found[self.source.content_type.pk]
        if self.object_id not in own:
            own.append(self.object_id)
            own.sort()
        return dict(sorted(found.items()))


def person_of(source: RecipientSource, record: Any) -> Person:
    recipient = source.recipients([record.pk]).get(str(record.pk))
    try:
        address = Address.parse(recipient.address) if recipient else None
    except InvalidAddress:
        address = None
    return Person(source, str(record.pk), address)


@transaction.atomic
def opt_out(person: Person, *, by: Any, reason: str) -> int:
    """No mailing reaches the person any more; returns how many waited for one.

    Idempotent. `reason` is the colleague's words, kept in the list's history.
    """
    waiting = Delivery.objects.filter(
        content_type=person.source.content_type, object_id=person.object_id
    ).skip(Delivery.SkipReason.OPTED_OUT)
    if person.address:
        SuppressedAddress.objects.suppress_key(
            person.key,
            address=person.address.text,
            reason=OPTED_OUT,
            source=in_words(reason),
            by=by,
        )
        waiting += skip_waiting(person.responder)
    records = person.records()
    for content_type_id, object_ids in records.items():
        MassContact.objects.set_all(content_type_id, object_ids, subscribed=False)
    tell_host(person, records, "on_unsubscribe", signals.unsubscribed)
    return waiting


@transaction.atomic
def subscribe_again(person: Person, *, by: Any, reason: str) -> None:
    """Lift the opt-out; raises NotAllowed for who may not, and without a reason.

    A suppression for any other reason stays.
    """
    if not reason.strip():
        raise NotAllowed(_("Say why the person is to get mailings again."))
    rows = opt_outs_of(person)
    # Asked under the lock: the recipient may be leaving at this very moment.
    list(rows.select_for_update())
    if not may_subscribe_again(person, by):
        raise NotAllowed(_("You may not lift an opt-out that is not your own entry."))
    if person.key:
        lift_opt_out(person.key, source=in_words(reason), by=by)
    records = person.records()
    for content_type_id, object_ids in records.items():
        opted_out_identities(content_type_id, object_ids).update(subscribed=True)
    tell_host(person, records, "on_resubscribe", signals.resubscribed)


def set_tracking_of(person: Person, *, is_allowed: bool, by: Any) -> None:
    """Whether opens and clicks may be noted; raises NotAllowed.

    An objection may be the recipient's own: it is taken back by who may lift opt-outs.
    """
    if is_allowed and not by.has_perm(LIFT):
        raise NotAllowed(_("You may not take back what the recipient has decided."))
    set_tracking(person.records(), is_allowed=is_allowed)


def allows_tracking(person: Person) -> bool:
    own = MassContact.objects.filter(
        content_type=person.source.content_type,
        object_id=person.object_id,
        allows_tracking=False,
    )
    return not (own.exists() or (person.key and objecting([person.key])))


def may_subscribe_again(person: Person, user: Any) -> bool:
    """Who has the right may; others take back only what they entered themselves."""
    if user.has_perm(LIFT):
        return True
    row = opt_outs_of(person).filter(by=user).first()
    if row is None or not person.key:
        return False
    left = DeliveryEvent.objects.filter(
        kind=DeliveryEvent.Kind.UNSUBSCRIBED,
        delivery__address_key=person.key,
        occurred_at__gte=row.created_at,
    )
    return not left.exists()


def opt_outs_of(person: Person) -> SuppressedAddressQuerySet:
    """From all mailings; who left one list alone has said so himself."""
    rows = SuppressedAddress.objects.for_all().of_address(person.key)
    return rows.filter(reason=OPTED_OUT)


def in_words(reason: str) -> str:
    """As the list's history keeps it."""
    return (_("by hand: %(reason)s") % {"reason": reason})[:200]


def tell_host(
    person: Person, records: dict[int, list[str]], hook: str, signal: Signal
) -> None:
    responder = person.responder
    for content_type_id, object_ids in records.items():
        news = news_for_host(
            content_type_id, object_ids, responder, hook=hook, signal=signal
        )
        transaction.on_commit(news, robust=True)
