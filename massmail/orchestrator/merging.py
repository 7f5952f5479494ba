"""Several mailings with the same message become one: waiting recipients move over.

A record moves by being written anew in the target; its old row stays as `skipped:
merged`, so that each mailing's states go on adding up to its recipients. Only rows
that were never tried move: what a server may know of stays with its mailing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from common.utils.helpers import chunked
from massmail.exceptions import NotAllowed, WrongState
from massmail.models import Alert, Delivery, MailingOut
from massmail.models.delivery_states import LEASED_STATUSES
from massmail.models.mailing_out import FINAL_STATUSES, Status
from massmail.orchestrator.clock import Clock
from massmail.orchestrator.compiling import source_of_version
from massmail.orchestrator.decisions import log, require
from massmail.recipients.access import access_policy

CHUNK = 2000
# So many of a manager's running mailings are compared.
MOST = 50
# Compared before the pictures and files, which may be big.
TEXT = ("subject", "content", "text", "preheader", "signature")
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
    their record or address; `left` had been tried and are not mailed any more."""

    moved: int = 0
    known: int = 0
    left: int = 0


def mergeable(target: MailingOut) -> list[MailingOut]:
    """Mailings whose recipients the target may take over, the newest first."""
    alike = MailingOut.objects.filter(
        owner=target.owner_id,
        content_type=target.content_type_id,
        message=target.message_id,
        launched_at__isnull=target.launched_at is None,
        prepared_at__isnull=False,
        launching__isnull=True,
    )
    others = alike.exclude(status__in=FINAL_STATUSES).exclude(pk=target.pk)
    found = others.select_related("version").order_by("-created_at")[:MOST]
    return [mailing for mailing in found if says_the_same(mailing, target)]


def says_the_same(one: MailingOut, other: MailingOut) -> bool:
    """Each launch freezes a version of its own: what it says decides."""
    if one.version_id == other.version_id:
        return True
    if one.version is None or other.version is None:
        return False
    if any(getattr(one.version, name) != getattr(other.version, name) for name in TEXT):
        return False
    return source_of_version(one.version) == source_of_version(other.version)


@transaction.atomic
def merge(
    target: MailingOut,
    originals: Iterable[MailingOut],
    *,
    by: Any,
    leave_tried: bool = False,
    now: dt.datetime | None = None,
) -> Merged:
    """All or nothing; raises NotAllowed and WrongState.

    Rows that were tried and wait for another try are a reason to refuse; with
    `leave_tried` they are left out for good, as cancelled.
    """
    moment = Clock(now)()
    ids = {original.pk for original in originals} - {target.pk}
    rows = locked([target.pk, *ids])
    target = rows.pop(target.pk)
    require_mergeable(target, rows.values(), by)
    merged = Merged()
    # In the order of their keys: of one address in two of them the older row moves.
    for _pk, original in sorted(rows.items()):
        end(original, target, moment)
        move(original, target, merged, moment)
        settle_rest(original, merged, leave_tried=leave_tried)
        log(original, by, f"merged into {target.pk}")
    text = f"merged {sorted(rows)} into it: {merged.moved} recipients"
    log(target, by, text)
    return merged


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


def end(original: MailingOut, target: MailingOut, now: dt.datetime) -> None:
    MailingOut.objects.filter(pk=original.pk).update(
        status=Status.INTERRUPTED, merged_into=target, finished_at=now, updated_at=now
    )
    Alert.objects.close(cause=f"mailing:{original.pk}", now=now)


def move(
    original: MailingOut, target: MailingOut, merged: Merged, now: dt.datetime
) -> None:
    """The conditional UPDATE comes first: what it takes no sender can claim."""
    waiting = Delivery.objects.filter(
        mailing=original, status=Delivery.Status.QUEUED, attempts=0
    )
    ids = list(waiting.order_by("pk").values_list("pk", flat=True))
    for chunk in chunked(ids, CHUNK):
        rows = Delivery.objects.filter(pk__in=chunk, attempts=0)
        taken = list(
            rows.filter(status=Delivery.Status.QUEUED)
            .select_for_update(no_key=True)
            .order_by("pk")
        )
        moved = Delivery.objects.filter(pk__in=[row.pk for row in taken])
        moved.skip(SkipReason.MERGED)
        new = new_rows(taken, target, now)
        Delivery.objects.bulk_create(new)
        merged.moved += len(new)
        merged.known += len(taken) - len(new)
        MailingOut.objects.filter(pk=target.pk).update(
            recipients_count=F("recipients_count") + len(new)
        )


def new_rows(
    taken: list[Delivery], target: MailingOut, now: dt.datetime
) -> list[Delivery]:
    """Of records that the target has no row of, and of addresses new to it."""
    theirs = Delivery.objects.filter(mailing=target)
    records = set(
        theirs.filter(object_id__in=[row.object_id for row in taken]).values_list(
            "object_id", flat=True
        )
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


def settle_rest(original: MailingOut, merged: Merged, *, leave_tried: bool) -> None:
    """Asked after the move: a sender may have claimed rows just before it."""
    rows = Delivery.objects.filter(mailing=original)
    if busy := rows.filter(status__in=LEASED_STATUSES).count():
        text = ngettext(
            "“%(name)s” is sending %(count)d message just now. Pause it and try again.",
            "“%(name)s” is sending %(count)d messages just now. Pause it and try "
            "again.",
            busy,
        )
        raise WrongState(text % {"name": original.name, "count": busy})
    tried = rows.filter(status=Delivery.Status.QUEUED)
    if leave_tried:
        merged.left += tried.skip(SkipReason.CANCELLED)
    elif count := tried.count():
        text = ngettext(
            "“%(name)s” has %(count)d recipient who was tried already and waits for "
            "another try.",
            "“%(name)s” has %(count)d recipients who were tried already and wait for "
            "another try.",
            count,
        )
        raise WrongState(text % {"name": original.name, "count": count})


def previewed(target: MailingOut) -> list[dict[str, Any]]:
    """What fits, with how many of each would move and how many are known already."""
    theirs = Delivery.objects.filter(mailing=target)
    record = theirs.filter(
        content_type_id=OuterRef("content_type_id"), object_id=OuterRef("object_id")
    )
    address = theirs.exclude(status=Delivery.Status.SKIPPED).filter(
        address_key=OuterRef("address_key")
    )
    found = []
    for original in mergeable(target):
        rows = Delivery.objects.filter(mailing=original)
        waiting = rows.filter(status=Delivery.Status.QUEUED, attempts=0)
        total = waiting.count()
        known = waiting.filter(Exists(record) | Exists(address)).count()
        found.append(
            {
                "mailing": original,
                "moves": total - known,
                "known": known,
                "tried": rows.filter(
                    status=Delivery.Status.QUEUED, attempts__gt=0
                ).count(),
                "busy": rows.filter(status__in=LEASED_STATUSES).count(),
            }
        )
    return found
