"""A chunk of recipients on its way into the ledger.

What has to be read and thought about is done before the transaction that adds the rows,
so that it is short; the rows are written once, as they will stay. Consent that is
withdrawn in between is found by the launch and before each hand-over, by the same
conditions.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import F
from django.utils import timezone

from common.given_rows import asked_of, insert_given, insert_new
from common.postgresql import without_compiling
from massmail.audience.assignment import (
    Known,
    facts_of_identity,
    known,
    planned_accounts,
)
from massmail.audience.left_out import LeftOut
from massmail.models import Delivery, MailingOut, MassContact
from massmail.models.address import Address, InvalidAddress
from massmail.permissions import ExistsForEach, first_reason
from massmail.recipients.source import Recipient, RecipientSource

SkipReason = Delivery.SkipReason
# The constraint `one_delivery_per_address`: SQLite wants its very condition.
ONE_PER_ADDRESS = """("mailing_id", "address_key") WHERE NOT ("status" = 'skipped')"""


@dataclass(slots=True)
class Newcomer:
    """A row to be; without a reason it will be queued."""

    object_id: str
    name: str = ""
    time_zone: str = ""
    address: str = ""
    address_key: str = ""
    address_domain: str = ""
    reason: str = ""
    identity_id: int | None = None
    account_id: int | None = None


def newcomers(
    mailing: MailingOut, source: RecipientSource, pks: list[Any], left_out: LeftOut
) -> list[Newcomer]:
    """One for each record, and for each that vanished since it was chosen.

    In the order of the keys: of a shared address the oldest record is mailed.
    """
    recipients = source.without_variables().recipients(pks)
    found = [
        newcomer(recipients[object_id])
        if object_id in recipients
        else Newcomer(object_id, reason=SkipReason.RECIPIENT_DELETED)
        for object_id in map(str, pks)
    ]
    blockers = blockers_of(mailing, [new for new in found if not new.reason])
    for new in found:
        new.reason = new.reason or blockers[new.object_id]
        if not new.reason and left_out.has(new.address_key):
            new.reason = SkipReason.EXCLUDED
    return found


def newcomer(recipient: Recipient) -> Newcomer:
    """With the address and its key, or the reason why there is none."""
    new = Newcomer(recipient.object_id, recipient.name[:300], recipient.time_zone[:64])
    new.address = recipient.address[:320]
    if not recipient.address:
        new.reason = SkipReason.NO_ADDRESS
        return new
    try:
        parsed = Address.parse(recipient.address)
    except InvalidAddress:
        new.reason = SkipReason.INVALID_ADDRESS
        return new
    new.address = parsed.text
    new.address_key, new.address_domain = parsed.key, parsed.domain
    return new


def blockers_of(mailing: MailingOut, rows: list[Newcomer]) -> dict[str, str]:
    """{object id: the first reason for which it must not be mailed, or ""}."""
    why = first_reason(mailing, exists=ExistsForEach)
    asked = asked_of(
        Delivery.objects.order_by().annotate(why=why),
        {
            "object_id": [row.object_id for row in rows],
            "address_key": [row.address_key for row in rows],
            "address_domain": [row.address_domain for row in rows],
        },
        alike={
            "mailing_id": mailing.pk,
            "content_type_id": mailing.content_type_id,
            "kind": Delivery.Kind.MAILING,
        },
    )
    with without_compiling():
        return dict(asked.values_list("object_id", "why"))


def add_newcomers(
    locked: MailingOut, source: RecipientSource, rows: list[Newcomer]
) -> None:
    """Their rows, in the transaction that locked the mailing."""
    here = [row for row in rows if row.reason != SkipReason.RECIPIENT_DELETED]
    identities = ensure_identities(source, [row.object_id for row in here])
    for row in here:
        row.identity_id = identities[row.object_id].identity
    queued = [row for row in rows if not row.reason]
    people = [identities[row.object_id] for row in queued]
    for row, account_id in zip(queued, planned_accounts(locked, people), strict=True):
        row.account_id = account_id
    insert(locked, rows, timezone.now())


def ensure_identities(
    source: RecipientSource, object_ids: Iterable[str]
) -> dict[str, Known]:
    """The records' mailing identities, made where there are none."""
    wanted = list(object_ids)
    found = identities_of(source, wanted)
    missing = [object_id for object_id in wanted if object_id not in found]
    if missing:
        made = insert_new(
            MassContact,
            {"object_id": missing, "uuid": random_uuids(len(missing))},
            alike={"content_type_id": source.content_type.pk},
            returning=("object_id", "id"),
        )
        found |= {object_id: Known(pk) for object_id, pk in made}
        # Another job has made them meanwhile.
        found |= identities_of(source, [one for one in missing if one not in found])
    return found


def random_uuids(count: int) -> list[str]:
    """As `uuid4` makes them, all at once: in a fifth of the time."""
    digits = os.urandom(16 * count).hex()
    each = (digits[start : start + 32] for start in range(0, 32 * count, 32))
    return [f"{one[:12]}4{one[13:16]}a{one[17:]}" for one in each]


def identities_of(source: RecipientSource, object_ids: list[str]) -> dict[str, Known]:
    """Each is looked up, whatever the database's statistics say of a young table."""
    asked = asked_of(
        MassContact.objects.order_by().annotate(facts=facts_of_identity()),
        {"object_id": object_ids},
        alike={"content_type_id": source.content_type.pk},
    )
    rows = asked.values_list("object_id", "facts")
    return {object_id: known(facts) for object_id, facts in rows if facts is not None}


def insert(mailing: MailingOut, rows: list[Newcomer], now: dt.datetime) -> None:
    """Of several rows with one address all but the first that may be mailed are kept
    as its duplicates: those that the ledger's own constraint leaves out."""
    alike = {
        "mailing_id": mailing.pk,
        "content_type_id": mailing.content_type_id,
        "not_before": now,
        "queued_at": now,
    }
    inserted = insert_new(
        Delivery,
        columns_of(rows),
        alike=alike,
        unique=ONE_PER_ADDRESS,
        returning=("object_id",),
    )
    if len(inserted) < len(rows):
        there = {object_id for (object_id,) in inserted}
        left = [row for row in rows if row.object_id not in there]
        for row in left:
            row.reason = SkipReason.DUPLICATE
        insert_given(Delivery, columns_of(left), alike=alike)
    MailingOut.objects.filter(pk=mailing.pk).update(
        recipients_count=F("recipients_count") + len(rows), updated_at=now
    )


def columns_of(rows: list[Newcomer]) -> dict[str, list[Any]]:
    queued, skipped = Delivery.Status.QUEUED.value, Delivery.Status.SKIPPED.value
    return {
        "object_id": [row.object_id for row in rows],
        "mass_contact_id": [row.identity_id for row in rows],
        "email_account_id": [None if row.reason else row.account_id for row in rows],
        "name": [row.name for row in rows],
        "address": [row.address for row in rows],
        "address_key": [row.address_key for row in rows],
        "address_domain": [row.address_domain for row in rows],
        "time_zone": [row.time_zone for row in rows],
        "status": [skipped if row.reason else queued for row in rows],
        "reason": [str(row.reason) for row in rows],
    }
