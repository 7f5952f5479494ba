"""VIPs: recipients who are mailed from the owner's main account alone."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from common.utils.helpers import chunked
from massmail.audience.newcomers import ensure_identities
from massmail.audience.snapshot import records_of
from massmail.conf import conf
from massmail.models import MassContact
from massmail.recipients.registry import source_of
from massmail.recipients.source import RecipientSource


def addressable(user: Any, recipients: QuerySet) -> QuerySet:
    """Those of the records that the user may mail; raises LookupError."""
    source = source_of(recipients.model)
    return source.records_for(user).filter(pk__in=recipients.values("pk"))


def set_vip(user: Any, recipients: QuerySet, *, is_vip: bool) -> int:
    """Mark the records as VIPs, or no longer; returns how many were not before.

    Records that the user may not mail stay as they are. Works in short transactions:
    a selection of any size may be given, and may be repeated.
    """
    source = source_of(recipients.model)
    mine = records_of(addressable(user, recipients)).order_by("pk")
    keys = list(mine.values_list("pk", flat=True))
    return sum(
        set_vip_of(source, [str(key) for key in chunk], is_vip=is_vip)
        for chunk in chunked(keys, conf.PREPARE_CHUNK)
    )


@transaction.atomic
def set_vip_of(source: RecipientSource, object_ids: list[str], *, is_vip: bool) -> int:
    if is_vip:
        ensure_identities(source, object_ids)
    identities = MassContact.objects.filter(
        content_type=source.content_type, object_id__in=object_ids
    )
    return identities.filter(is_vip=not is_vip).update(is_vip=is_vip)
