"""Whose opens and clicks are not to be noted.

An objection is kept with a record and holds for its address: one that was merged into
another record, or deleted and imported anew, is still the same person's.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Exists, OuterRef

from massmail.models import Delivery, MassContact


def objecting(address_keys: Iterable[str]) -> set[str]:
    """Those of these keys at which a record was mailed that is not to be tracked."""
    objection = MassContact.objects.filter(
        content_type=OuterRef("content_type"),
        object_id=OuterRef("object_id"),
        allows_tracking=False,
    )
    rows = Delivery.objects.filter(Exists(objection), address_key__in=set(address_keys))
    return set(rows.order_by().values_list("address_key", flat=True))


def allows_tracking(delivery: Delivery) -> bool:
    return not objecting([delivery.address_key])


def set_tracking(records: dict[int, list[str]], *, is_allowed: bool) -> None:
    """`records` are object ids by content type; idempotent."""
    for content_type_id, object_ids in records.items():
        MassContact.objects.set_all(
            content_type_id, object_ids, allows_tracking=is_allowed
        )
