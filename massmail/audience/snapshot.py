"""From a queryset of a host's model to rows of the ledger, one per recipient.

Rows are added in chunks, each in its own short transaction that also moves the
cursor, so that memory stays flat and a killed job goes on where it stopped. Inside
the transaction new rows are `preparing`; they are admitted or refused by the very
conditions that guard the launch and each hand-over.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import F, Model, QuerySet
from django.utils import timezone

from massmail.conf import conf
from massmail.exceptions import NotAllowed
from massmail.models import Delivery, EmlMessage, MailingOut, MassContact
from massmail.models.address import Address, InvalidAddress
from massmail.models.delivery_states import preparing
from massmail.permissions import recipient_blockers
from massmail.recipients.access import access_policy
from massmail.recipients.registry import source_of
from massmail.recipients.source import Recipient, RecipientSource

SkipReason = Delivery.SkipReason


def create_mailing(
    *, owner: Any, message: EmlMessage, recipients: QuerySet, name: str = ""
) -> MailingOut:
    """A draft with one row for each of `recipients`, the skipped ones too.

    `recipients` is a queryset of a registered model, of any size. Raises LookupError
    for another model and NotAllowed when the owner may not see the message.
    """
    mailing = new_draft(owner, message, recipients.model, name)
    return prepare(mailing, source_of(recipients.model), recipients)


def new_draft(
    owner: Any, message: EmlMessage, model: type[Model], name: str = ""
) -> MailingOut:
    """A draft without any recipients yet; raises as `create_mailing` does."""
    source_of(model)
    if not access_policy().visible(owner, EmlMessage.objects.filter(pk=message.pk)):
        raise NotAllowed("The message is not this owner's to send.")
    return MailingOut.objects.create(
        name=name or message.subject,
        owner=owner,
        department=message.department,
        message=message,
        content_type=ContentType.objects.get_for_model(model),
    )


def prepare(
    mailing: MailingOut, source: RecipientSource, recipients: QuerySet
) -> MailingOut:
    """Add all recipients, going on behind the last one that was added."""
    chosen = records_of(recipients)
    while pks := next_chunk(chosen, mailing.selection.get("after")):
        add_chunk(mailing, source, pks)
    mark_prepared(mailing)
    return mailing


def records_of(recipients: QuerySet) -> QuerySet:
    """Each chosen record once, whatever slices, orders and joins chose it."""
    return recipients.model._base_manager.filter(pk__in=recipients.values("pk"))


def mark_prepared(mailing: MailingOut) -> None:
    MailingOut.objects.filter(pk=mailing.pk, prepared_at=None).update(
        prepared_at=timezone.now()
    )
    mailing.refresh_from_db()


def next_chunk(chosen: QuerySet, after: Any) -> list[Any]:
    rows = chosen.order_by("pk").values_list("pk", flat=True)
    if after is not None:
        rows = rows.filter(pk__gt=after)
    return list(rows[: conf.PREPARE_CHUNK])


@transaction.atomic
def add_chunk(mailing: MailingOut, source: RecipientSource, pks: list[Any]) -> None:
    """Rows for these records, unless another job added them meanwhile."""
    locked = MailingOut.objects.select_for_update().get(pk=mailing.pk)
    if locked.selection.get("after") == mailing.selection.get("after"):
        add_rows(locked, source, pks)
        locked.selection = {**locked.selection, "after": json_key(pks[-1])}
        locked.save(update_fields=["selection"])
    mailing.selection = locked.selection


def add_rows(locked: MailingOut, source: RecipientSource, pks: list[Any]) -> None:
    """One row for each record, one for each that vanished since it was chosen."""
    now = timezone.now()
    recipients = source.recipients(pks)
    identities = ensure_identities(source, recipients)
    # In the order of the keys: of a shared address the oldest record is mailed.
    rows = [
        new_row(locked, recipients[object_id], identities[object_id], now)
        if object_id in recipients
        else gone_row(locked, object_id, now)
        for object_id in map(str, pks)
    ]
    Delivery.objects.bulk_create(rows)
    settle(locked, min(row.pk for row in rows))
    MailingOut.objects.filter(pk=locked.pk).update(
        recipients_count=F("recipients_count") + len(rows), updated_at=now
    )


def gone_row(mailing: MailingOut, object_id: str, now: dt.datetime) -> Delivery:
    row = new_row(mailing, Recipient(object_id, ""), None, now)
    row.reason = SkipReason.RECIPIENT_DELETED
    return row


def json_key(pk: Any) -> Any:
    return pk if isinstance(pk, (int, str)) else str(pk)


def ensure_identities(
    source: RecipientSource, object_ids: Iterable[str]
) -> dict[str, int]:
    """Ids of the records' mailing identities, made where there are none."""
    wanted = list(object_ids)
    MassContact.objects.bulk_create(
        [
            MassContact(content_type=source.content_type, object_id=object_id)
            for object_id in wanted
        ],
        ignore_conflicts=True,
    )
    rows = MassContact.objects.filter(
        content_type=source.content_type, object_id__in=wanted
    )
    return dict(rows.values_list("object_id", "pk"))


def new_row(
    mailing: MailingOut,
    recipient: Recipient,
    identity_id: int | None,
    now: dt.datetime,
) -> Delivery:
    row = Delivery(
        mailing=mailing,
        content_type_id=mailing.content_type_id,
        object_id=recipient.object_id,
        mass_contact_id=identity_id,
        name=recipient.name[:300],
        time_zone=recipient.time_zone[:64],
        status=Delivery.Status.SKIPPED,
        reason=SkipReason.PREPARING,
        not_before=now,
        queued_at=now,
    )
    set_address(row, recipient.address)
    return row


def set_address(row: Delivery, text: str) -> None:
    """The address and its key, or the reason why there is none."""
    row.address = text[:320]
    if not text:
        row.reason = SkipReason.NO_ADDRESS
        return
    try:
        parsed = Address.parse(text)
    except InvalidAddress:
        row.reason = SkipReason.INVALID_ADDRESS
        return
    row.address = parsed.text
    row.address_key, row.address_domain = parsed.key, parsed.domain


def settle(mailing: MailingOut, first_id: int) -> None:
    """Refuse or admit the rows from `first_id` on, those of this chunk."""
    rows = Delivery.objects.filter(mailing=mailing, pk__gte=first_id)
    for reason, blocker in recipient_blockers(mailing):
        rows.filter(blocker).refuse(reason)
    rows.filter(pk__in=duplicates(mailing, rows)).refuse(SkipReason.DUPLICATE)
    rows.admit()


def duplicates(mailing: MailingOut, rows: QuerySet[Delivery]) -> list[int]:
    """Of several rows with one address all but the first that may be mailed.

    In memory: the chunk is small, and a correlated subquery over the mailing's own
    rows leads SQLite to read all of them for each.
    """
    admissible = rows.filter(preparing()).order_by("pk")
    chunk = list(admissible.values_list("pk", "address_key"))
    mailed = Delivery.objects.filter(
        mailing=mailing, address_key__in={key for _pk, key in chunk}
    ).exclude(status=Delivery.Status.SKIPPED)
    taken = set(mailed.values_list("address_key", flat=True))
    found = []
    for pk, key in chunk:
        if key in taken:
            found.append(pk)
        taken.add(key)
    return found
