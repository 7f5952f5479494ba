"""Which mailings can become one, and what a merge would do."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef

from massmail.models import Delivery, MailingOut
from massmail.models.delivery_states import LEASED_STATUSES
from massmail.models.mailing_out import FINAL_STATUSES
from massmail.orchestrator.compiling import source_of_version

# So many of a manager's running mailings are compared.
MOST = 50
# Compared before the pictures and files, which may be big.
TEXT = ("subject", "content", "text", "preheader", "signature")


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
