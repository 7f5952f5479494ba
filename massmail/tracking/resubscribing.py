"""Coming back after an opt-out, by the link of a confirmation mail alone."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from massmail import signals, tokens
from massmail.models import (
    Delivery,
    DeliveryEvent,
    SuppressedAddress,
    SuppressionChange,
    TargetList,
)
from massmail.models.address import Address
from massmail.tracking.list_scope import has_left, lift_opt_outs, lists_of
from massmail.tracking.public_links import (
    RESUBSCRIBE,
    RESUBSCRIBE_TO_LISTS,
    SCOPE,
)
from massmail.tracking.responses import (
    Responder,
    news_for_host,
    opted_out_identities,
    records_mailed,
)

LIFETIME = dt.timedelta(days=7)
SOURCE = "confirmation mail"
Reason = SuppressedAddress.Reason


@dataclass(frozen=True, slots=True)
class Request:
    """A confirmation that was asked for and can still be given."""

    confirmation: Delivery
    person: Responder
    # What was asked for: these lists; None: all mailings.
    lists: list[TargetList] | None = None

    @property
    def address(self) -> str:
        return self.confirmation.address

    @property
    def language(self) -> str:
        return self.person.language

    @property
    def is_in_vain(self) -> bool:
        """Whether something else forbids the address, before as after it is given."""
        mail = self.confirmation
        address = Address(mail.address, "", mail.address_key, mail.address_domain)
        rows = SuppressedAddress.objects.forbidding([address])
        lifted = [] if self.lists is not None else [row for row in rows if is_own(row)]
        return len(rows) > len(lifted) or bool(
            lifted and entered_before(mail.address_key)
        )


def request_of(text: str, *, now: dt.datetime) -> Request | None:
    """None for a token that is forged, too old, or used."""
    found = asked_by(text, now=now)
    return None if found is None or was_given(found.confirmation) else found


def used_by(text: str, *, now: dt.datetime) -> Request | None:
    """What the link has brought about, as long as nobody has undone it."""
    found = asked_by(text, now=now)
    if found is None or not was_given(found.confirmation):
        return None
    person, lists = found.person, found.lists
    is_out = person.has_opted_out if lists is None else has_left(person, lists)
    return None if is_out else found


def asked_by(text: str, *, now: dt.datetime) -> Request | None:
    """Used or not."""
    # A second token names the mail whose lists are meant.
    of_confirmation, _slash, of_mail = text.partition("/")
    try:
        token = tokens.read(
            RESUBSCRIBE_TO_LISTS if of_mail else RESUBSCRIBE, of_confirmation
        )
        lists = lists_named_by(of_mail, token.address_key) if of_mail else None
    except tokens.InvalidToken:
        return None
    confirmation = Delivery.objects.filter(
        pk=token.delivery_id,
        address_key=token.address_key,
        kind=Delivery.Kind.CONFIRMATION,
        queued_at__gt=now - LIFETIME,
    ).first()
    if confirmation is None:
        return None
    return Request(confirmation, last_mailed(token.address_key), lists)


def lists_named_by(text: str, address_key: str) -> list[TargetList]:
    """Raises `tokens.InvalidToken`, also for a mail that has no lists (any more)."""
    token = tokens.read(SCOPE, text)
    mail = Delivery.objects.filter(pk=token.delivery_id).first()
    lists = lists_of(mail)
    if token.address_key != address_key or not lists:
        raise tokens.InvalidToken("This link is not valid.")
    return lists


def was_given(confirmation: Delivery) -> bool:
    key = source_key(confirmation)
    return DeliveryEvent.objects.filter(source_key=key).exists()


def source_key(confirmation: Delivery) -> str:
    return f"resubscribed:{confirmation.pk}"


def last_mailed(address_key: str) -> Responder:
    rows = Delivery.objects.filter(address_key=address_key, content_type__isnull=False)
    return Responder.of(address_key, rows.order_by("-pk").first())


def is_own(row: SuppressedAddress) -> bool:
    """Whether it is the address's opt-out, and no domain's."""
    return row.reason == Reason.OPTED_OUT and row.address_key != ""


def entered_before(address_key: str) -> SuppressionChange | None:
    """What the address was on the list for before its opt-out, and is so again after.

    Bounces are not among that: the mail that was confirmed has arrived.
    """
    changes = SuppressionChange.objects.filter(
        address_key=address_key, target_list=None
    )
    before = changes.filter(action=SuppressionChange.Action.ADDED).first()
    is_kept = before and before.reason in (Reason.MANUAL, Reason.COMPLAINT)
    return before if is_kept else None


def lift_opt_out(address_key: str, *, source: str, by: Any = None) -> None:
    """What was entered before it is on the list again."""
    rows = SuppressedAddress.objects.for_all().of_address(address_key)
    rows = rows.filter(reason=Reason.OPTED_OUT)
    if not (row := rows.first()):
        return
    rows.lift(source=source, by=by)
    if before := entered_before(address_key):
        SuppressedAddress.objects.suppress_key(
            address_key,
            address=row.address,
            reason=before.reason,
            source=before.source,
            by=before.by,
        )


@transaction.atomic
def resubscribe(text: str, *, now: dt.datetime) -> Request | None:
    """Lift the opt-out of the address and its records; each link does it once.

    Or that from the lists which the link names. A suppression for any other reason
    stays: it is not the person's to lift.
    """
    found = request_of(text, now=now)
    if found is None:
        return None
    _event, is_new = DeliveryEvent.objects.get_or_create(
        source_key=source_key(found.confirmation),
        defaults={
            "delivery": found.confirmation,
            "kind": DeliveryEvent.Kind.RESUBSCRIBED,
            "occurred_at": now,
            "detail": SOURCE,
        },
    )
    if not is_new:
        return None
    if found.lists is not None:
        lift_opt_outs(found.person.address_key, found.lists, source=SOURCE)
        return found
    lift_opt_out(found.person.address_key, source=SOURCE)
    records = records_mailed(found.person)
    for content_type_id, object_ids in records.items():
        opted_out_identities(content_type_id, object_ids).update(subscribed=True)
        tell_host = news_for_host(
            content_type_id,
            object_ids,
            found.person,
            hook="on_resubscribe",
            signal=signals.resubscribed,
        )
        transaction.on_commit(tell_host, robust=True)
    return found
