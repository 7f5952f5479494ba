"""From a queryset of a host's model to rows of the ledger, one per recipient.

Rows are added in chunks, each in its own short transaction that also moves the
cursor, so that memory stays flat and a killed job goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Model, QuerySet
from django.utils import timezone

from common.utils.helpers import chunked
from massmail.audience.left_out import LeftOut
from massmail.audience.newcomers import add_newcomers, newcomers
from massmail.conf import conf
from massmail.exceptions import NotAllowed
from massmail.models import EmlMessage, MailingOut, TargetList
from massmail.patience import once_more
from massmail.recipients.access import access_policy
from massmail.recipients.registry import source_of
from massmail.recipients.source import RecipientSource


def create_mailing(
    *,
    owner: Any,
    message: EmlMessage,
    recipients: QuerySet,
    name: str = "",
    target_lists: Iterable[TargetList] = (),
    excluded_lists: Iterable[TargetList] = (),
) -> MailingOut:
    """A draft with one row for each of `recipients`, the skipped ones too.

    `recipients` is a queryset of a registered model, of any size. `target_lists` are
    those that it was made from (who left one of them is skipped), `excluded_lists`
    those whose members are skipped. Raises LookupError for another model and NotAllowed
    when the owner may not see the message.
    """
    mailing = new_draft(
        owner, message, recipients.model, name, target_lists, excluded_lists
    )
    return prepare(mailing, source_of(recipients.model), recipients)


@transaction.atomic
def new_draft(
    owner: Any,
    message: EmlMessage,
    model: type[Model],
    name: str = "",
    target_lists: Iterable[TargetList] = (),
    excluded_lists: Iterable[TargetList] = (),
) -> MailingOut:
    """A draft without any recipients yet; raises as `create_mailing` does."""
    source_of(model)
    if not access_policy().visible(owner, EmlMessage.objects.filter(pk=message.pk)):
        raise NotAllowed("The message is not this owner's to send.")
    mailing = MailingOut.objects.create(
        name=name or message.subject,
        owner=owner,
        department=message.department,
        message=message,
        content_type=ContentType.objects.get_for_model(model),
    )
    if target_lists:
        mailing.target_lists.set(target_lists)
    if excluded_lists:
        mailing.excluded_lists.set(excluded_lists)
    return mailing


def prepare(
    mailing: MailingOut, source: RecipientSource, recipients: QuerySet
) -> MailingOut:
    """Add all recipients, going on behind the last one that was added."""
    chosen = records_of(recipients).order_by("pk").values_list("pk", flat=True)
    left_out = LeftOut.of(mailing)
    while pks := keys_behind(chosen, mailing.selection.get("after")):
        for chunk in chunked(pks, conf.PREPARE_CHUNK):
            if not add_chunk(mailing, source, chunk, left_out):
                break
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


def keys_behind(chosen: QuerySet, after: Any) -> list[Any]:
    """All at once: a query for each chunk may look through all records each time."""
    return list(chosen if after is None else chosen.filter(pk__gt=after))


def add_chunk(
    mailing: MailingOut, source: RecipientSource, pks: list[Any], left_out: LeftOut
) -> bool:
    """Rows for these records; False if another job has gone on meanwhile."""
    rows = newcomers(mailing, source, pks, left_out)

    @transaction.atomic
    def add() -> tuple[bool, MailingOut]:
        locked = MailingOut.objects.select_for_update().get(pk=mailing.pk)
        is_next = locked.selection.get("after") == mailing.selection.get("after")
        if is_next:
            add_newcomers(locked, source, rows)
            locked.selection = {**locked.selection, "after": json_key(pks[-1])}
            locked.save(update_fields=["selection"])
        return is_next, locked

    is_next, locked = once_more(add)
    mailing.selection = locked.selection
    return is_next


def json_key(pk: Any) -> Any:
    return pk if isinstance(pk, (int, str)) else str(pk)
