"""A choice of recipients that is stored at once and becomes rows bit by bit.

The page that stores 100,000 keys answers in a moment; the job that turns them into
rows works in short transactions and can be killed and repeated anywhere.
"""

from __future__ import annotations

import time
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from common.utils.helpers import chunked
from massmail.audience.snapshot import (
    add_rows,
    json_key,
    mark_prepared,
    new_draft,
    records_of,
)
from massmail.conf import conf
from massmail.models import Delivery, EmlMessage, MailingOut, SelectedChunk
from massmail.recipients.registry import source_for


@transaction.atomic
def store_selection(
    *, owner: Any, message: EmlMessage, recipients: QuerySet, name: str = ""
) -> MailingOut:
    """A draft whose recipients are still to be added; raises as `create_mailing`."""
    mailing = new_draft(owner, message, recipients.model, name)
    keys = records_of(recipients).order_by("pk").values_list("pk", flat=True)
    chosen = [json_key(pk) for pk in keys]
    SelectedChunk.objects.bulk_create(
        SelectedChunk(mailing=mailing, keys=chunk)
        for chunk in chunked(chosen, conf.PREPARE_CHUNK)
    )
    MailingOut.objects.filter(pk=mailing.pk).update(selection={"chosen": len(chosen)})
    mailing.refresh_from_db()
    return mailing


def prepare_selected(mailing: MailingOut, *, seconds: float) -> bool:
    """Add recipients for about so long; returns whether all are there now."""
    deadline = time.monotonic() + seconds
    source = source_for(mailing.content_type)
    while add_next_chunk(mailing, source):
        if time.monotonic() >= deadline:
            return False
    mark_prepared(mailing)
    return True


@transaction.atomic
def add_next_chunk(mailing: MailingOut, source: Any) -> bool:
    """Turn the oldest chunk into rows; False when there is none left.

    The mailing's lock lets two jobs take turns; a chunk is gone with the commit that
    adds its rows.
    """
    locked = MailingOut.objects.select_for_update().get(pk=mailing.pk)
    chunk = locked.selected_chunks.order_by("pk").first()
    if chunk is None:
        return False
    add_rows(locked, source, [source.pk_of(str(key)) for key in chunk.keys])
    if locked.status == MailingOut.Status.INTERRUPTED:
        Delivery.objects.filter(mailing=locked).skip(Delivery.SkipReason.CANCELLED)
    chunk.delete()
    return True


def unprepared_mailings() -> QuerySet[MailingOut]:
    """Mailings whose job is not done, or only not yet marked as done.

    A cancelled one gets its rows, too.
    """
    return MailingOut.objects.filter(
        prepared_at=None, selection__has_key="chosen"
    ).order_by("pk")
