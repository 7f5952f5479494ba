"""A choice of recipients that is stored at once and becomes rows bit by bit.

The page that stores 100,000 keys answers in a moment; the job that turns them into
rows works in short transactions and can be killed and repeated anywhere.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from enum import Enum
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from common.utils.helpers import chunked
from massmail.audience.left_out import LeftOut
from massmail.audience.newcomers import add_newcomers, newcomers
from massmail.audience.snapshot import (
    json_key,
    mark_prepared,
    new_draft,
    records_of,
)
from massmail.conf import conf
from massmail.models import (
    Delivery,
    EmlMessage,
    MailingOut,
    SelectedChunk,
    TargetList,
)
from massmail.patience import once_more
from massmail.recipients.registry import source_for
from massmail.recipients.source import RecipientSource


@transaction.atomic
def store_selection(
    *,
    owner: Any,
    message: EmlMessage,
    recipients: QuerySet,
    name: str = "",
    target_lists: Iterable[TargetList] = (),
    excluded_lists: Iterable[TargetList] = (),
) -> MailingOut:
    """A draft whose recipients are still to be added; raises as `create_mailing`."""
    mailing = new_draft(
        owner, message, recipients.model, name, target_lists, excluded_lists
    )
    keys = records_of(recipients).order_by("pk").values_list("pk", flat=True)
    chosen = [json_key(pk) for pk in keys]
    SelectedChunk.objects.bulk_create(
        SelectedChunk(mailing=mailing, keys=chunk)
        for chunk in chunked(chosen, conf.PREPARE_CHUNK)
    )
    MailingOut.objects.filter(pk=mailing.pk).update(selection={"chosen": len(chosen)})
    mailing.refresh_from_db()
    return mailing


class Step(Enum):
    """What became of an attempt to add the next chunk."""

    ADDED = 1
    NONE_LEFT = 2
    OVERTAKEN = 3  # by another job, which goes on


def prepare_selected(mailing: MailingOut, *, seconds: float) -> bool:
    """Add recipients for about so long; returns whether all are there now."""
    return prepare_until(mailing, time.monotonic() + seconds) is Step.NONE_LEFT


def prepare_until(mailing: MailingOut, deadline: float) -> Step:
    """Add chunks until the deadline, or until another job turns out to be at work."""
    source = source_for(mailing.content_type)
    left_out = LeftOut.of(mailing)
    while (step := add_next_chunk(mailing, source, left_out)) is Step.ADDED:
        if time.monotonic() >= deadline:
            return step
    if step is Step.NONE_LEFT:
        mark_prepared(mailing)
    return step


def add_next_chunk(
    mailing: MailingOut, source: RecipientSource, left_out: LeftOut
) -> Step:
    """Turn the oldest chunk into rows.

    It is gone with the commit that adds its rows. The mailing's lock lets two jobs
    take turns; the one that comes second leaves the rest to the first.
    """
    chunk = mailing.selected_chunks.order_by("pk").first()
    if chunk is None:
        return Step.NONE_LEFT
    pks = [source.pk_of(str(key)) for key in chunk.keys]
    rows = newcomers(mailing, source, pks, left_out)

    @transaction.atomic
    def add() -> Step:
        locked = MailingOut.objects.select_for_update().get(pk=mailing.pk)
        if not SelectedChunk.objects.filter(pk=chunk.pk).delete()[0]:
            return Step.OVERTAKEN
        add_newcomers(locked, source, rows)
        if locked.status == MailingOut.Status.INTERRUPTED:
            Delivery.objects.filter(mailing=locked).skip(Delivery.SkipReason.CANCELLED)
        return Step.ADDED

    return once_more(add)


def unprepared_mailings() -> QuerySet[MailingOut]:
    """Mailings whose job is not done, or only not yet marked as done.

    A cancelled one gets its rows, too.
    """
    return MailingOut.objects.filter(
        prepared_at=None, selection__has_key="chosen"
    ).order_by("pk")
