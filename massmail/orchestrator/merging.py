"""Several mailings with the same message become one: waiting recipients move over.

A record moves by being written anew in the target; its old row stays as `skipped:
merged`, so that each mailing's states go on adding up to its recipients, also between
two commits. Only rows that were never tried move: what a server may know of stays with
its mailing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from massmail.exceptions import NotAllowed, WrongState
from massmail.models import Alert, Delivery, MailingOut, TargetList
from massmail.models.delivery_states import LEASED_STATUSES
from massmail.models.mailing_out import FINAL_STATUSES, Status
from massmail.orchestrator.clock import Clock
from massmail.orchestrator.decisions import log, require
from massmail.orchestrator.merge_candidates import mergeable
from massmail.recipients.access import access_policy

CHUNK = 2000
SkipReason = Delivery.SkipReason
# What a row takes along; its state, claim and results stay behind.
MOVED = (
    "content_type_id",
    "object_id",
    "mass_contact_id",
    "name",
    "address",
    "address_key",
    "address_domain",
    "email_account_id",
    "priority",
    "not_before",
    "time_zone",
)


@dataclass(slots=True)
class Merged:
    """`moved` were written anew; `known` are recipients of the target already, by
    their record or address; `left` had been tried and are not mailed any more; `rest`
    could not be moved in the time that was given."""

    moved: int = 0
    known: int = 0
    left: int = 0
    rest: int = 0


def merge(
    target: MailingOut,
    originals: Iterable[MailingOut],
    *,
    by: Any,
    leave_tried: bool = False,
    seconds: float = 3600.0,
    now: dt.datetime | None = None,
) -> Merged:
    """Raises NotAllowed and WrongState; what can be refused is refused at once.

    Rows that were tried and wait for another try are a reason to refuse; with
    `leave_tried` they are left out for good, as cancelled. Moves in short commits for
    about so long: what is left then (`rest`) waits in its mailing, which is paused,
    until the merge is called again.
    """
    clock = Clock(now)
    ids = {original.pk for original in originals} - {target.pk}
    hold(target, ids, by, leave_tried=leave_tried)
    merged = Merged()
    # In the order of their keys: of one address in two of them the older row moves.
    for original_id in sorted(ids):
        while move(original_id, target, merged, clock()):
            # With nothing left to move, only the end of the mailings is missing.
            if clock.elapsed >= seconds and (rest := waiting(sorted(ids)).count()):
                merged.rest = rest
                return merged
        end(original_id, target, merged, by, clock(), leave_tried=leave_tried)
    log(target, by, f"merged {sorted(ids)} into it: {merged.moved} recipients")
    return merged


@transaction.atomic
def hold(target: MailingOut, ids: set[int], by: Any, *, leave_tried: bool) -> None:
    """Ask everything, and pause what is to be merged: no row of it is claimed then."""
    rows = locked([target.pk, *ids])
    require_mergeable(rows.pop(target.pk), rows.values(), by)
    for original in rows.values():
        require_at_rest(original, leave_tried=leave_tried)
        if original.status != Status.PAUSED:
            log(original, by, "paused to be merged")
    MailingOut.objects.filter(pk__in=ids).update(status=Status.PAUSED)
    take_over_lists(target, ids)


def take_over_lists(target: MailingOut, ids: set[int]) -> None:
    """Before any row comes: who left one of the lists is mailed by neither of them.

    Lists whose members were left out are not taken over: those rows stay behind, and
    the target's own recipients were chosen without regard to them.
    """
    lists = TargetList.objects.filter(mailings__in=ids)
    target.target_lists.add(*lists.values_list("pk", flat=True).distinct())


def locked(ids: list[int]) -> dict[int, MailingOut]:
    """In the order of their keys, so that two merges cannot wait for each other.

    Without the key: rows that refer to a mailing can be written meanwhile.
    """
    rows = MailingOut.objects.select_for_update(no_key=True).order_by("pk")
    return {row.pk: row for row in rows.filter(pk__in=ids)}


def require_mergeable(
    target: MailingOut, originals: Iterable[MailingOut], by: Any
) -> None:
    originals = list(originals)
    if not originals:
        raise WrongState(_("Choose the mailings that are to be merged."))
    policy = access_policy()
    require(by, "resume", target)
    if not all(policy.may(by, "cancel", original) for original in originals):
        raise NotAllowed(_("You may not do this with this mailing."))
    if target.is_launching:
        raise WrongState(
            _("It is being launched: the recipients are checked once more.")
        )
    if target.status in FINAL_STATUSES or target.prepared_at is None:
        raise WrongState(_("The mailing has ended already."))
    fitting = {mailing.pk for mailing in mergeable(target)}
    if not {original.pk for original in originals} <= fitting:
        raise WrongState(
            _(
                "Only mailings of the same owner, type and message version can be "
                "merged that have not ended."
            )
        )


@transaction.atomic
def end(
    original_id: int,
    target: MailingOut,
    merged: Merged,
    by: Any,
    now: dt.datetime,
    *,
    leave_tried: bool,
) -> None:
    """All its rows have moved: it is over, unless a sender holds one after all."""
    original = locked_pair(original_id, target)[0]
    require_at_rest(original, leave_tried=leave_tried)
    tried = Delivery.objects.filter(mailing=original)
    merged.left += tried.skip(SkipReason.CANCELLED)
    MailingOut.objects.filter(pk=original.pk).update(
        status=Status.INTERRUPTED, merged_into=target, finished_at=now, updated_at=now
    )
    Alert.objects.close(cause=f"mailing:{original.pk}", now=now)
    log(original, by, f"merged into {target.pk}")


def waiting(mailing_ids: list[int]) -> QuerySet[Delivery]:
    """Rows that may move."""
    return Delivery.objects.filter(
        mailing__in=mailing_ids, status=Delivery.Status.QUEUED, attempts=0
    ).order_by("pk")


@transaction.atomic
def move(
    original_id: int, target: MailingOut, merged: Merged, now: dt.datetime
) -> bool:
    """One chunk of rows; False when there is none left."""
    original, into = locked_pair(original_id, target)
    rows = waiting([original.pk]).select_for_update(no_key=True)
    taken = list(rows[:CHUNK])
    Delivery.objects.filter(pk__in=[row.pk for row in taken]).skip(SkipReason.MERGED)
    new = new_rows(taken, into, now)
    Delivery.objects.bulk_create(new)
    MailingOut.objects.filter(pk=into.pk).update(
        recipients_count=F("recipients_count") + len(new)
    )
    merged.moved += len(new)
    merged.known += len(taken) - len(new)
    return bool(taken)


def locked_pair(original_id: int, target: MailingOut) -> tuple[MailingOut, MailingOut]:
    """Somebody may have resumed or cancelled one of them between two commits."""
    rows = locked([original_id, target.pk])
    original, into = rows[original_id], rows[target.pk]
    if original.status != Status.PAUSED or into.status in FINAL_STATUSES:
        raise WrongState(_("Nothing more was done: the mailing has gone on meanwhile."))
    return original, into


def new_rows(
    taken: list[Delivery], target: MailingOut, now: dt.datetime
) -> list[Delivery]:
    """Of records that the target has no row of, and of addresses new to it."""
    theirs = Delivery.objects.filter(mailing=target)
    # With the type: without it the index of records cannot serve.
    same_type = theirs.filter(content_type=target.content_type_id)
    ids = [row.object_id for row in taken]
    records = set(
        same_type.filter(object_id__in=ids).values_list("object_id", flat=True)
    )
    addresses = set(
        theirs.filter(address_key__in={row.address_key for row in taken})
        .exclude(status=Delivery.Status.SKIPPED)
        .values_list("address_key", flat=True)
    )
    found = []
    for row in taken:
        if row.object_id not in records and row.address_key not in addresses:
            addresses.add(row.address_key)
            values = {name: getattr(row, name) for name in MOVED}
            found.append(Delivery(mailing=target, queued_at=now, **values))
    return found


def require_at_rest(original: MailingOut, *, leave_tried: bool) -> None:
    """No message of it is on its way, and none waits for another try."""
    rows = Delivery.objects.filter(mailing=original)
    if busy := rows.filter(status__in=LEASED_STATUSES).count():
        text = ngettext(
            "“%(name)s” is sending %(count)d message just now. Pause it and try again.",
            "“%(name)s” is sending %(count)d messages just now. Pause it and try "
            "again.",
            busy,
        )
        raise WrongState(text % {"name": original.name, "count": busy})
    tried = rows.filter(status=Delivery.Status.QUEUED, attempts__gt=0)
    if not leave_tried and (count := tried.count()):
        text = ngettext(
            "“%(name)s” has %(count)d recipient who was tried already and waits for "
            "another try.",
            "“%(name)s” has %(count)d recipients who were tried already and wait for "
            "another try.",
            count,
        )
        raise WrongState(text % {"name": original.name, "count": count})
