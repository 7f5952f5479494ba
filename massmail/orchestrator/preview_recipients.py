"""For whom a message is previewed: the user's own records, and two extremes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from massmail.recipients.source import Recipient, RecipientSource, VariableValue

# How many records the shortest and the longest values are looked for in.
SAMPLE_SIZE = 200


def found_recipients(
    source: RecipientSource, user: Any, text: str, limit: int
) -> list[Recipient]:
    """Of the user's own records those whose name or address holds the text."""
    records = source.records_for(user)
    if text:
        paths = [path for path in (source.address, source.name) if path]
        condition = Q()
        for path in paths:
            condition |= Q(**{f"{path}__icontains": text})
        records = records.filter(condition)
    pks = list(records.order_by("pk").values_list("pk", flat=True)[:limit])
    recipients = source.recipients(pks)
    return [recipients[str(pk)] for pk in pks if str(pk) in recipients]


def own_recipient(source: RecipientSource, user: Any, object_id: str) -> Recipient:
    """One of the user's own; raises LookupError for anybody else."""
    pk = source.pk_of(object_id)
    if pk is None or not source.records_for(user).filter(pk=pk).exists():
        raise LookupError(object_id)
    return source.recipients([pk])[str(pk)]


def extreme_recipient(
    source: RecipientSource, user: Any, *, longest: bool
) -> Recipient:
    """Nobody in particular: of each variable the shortest or the longest value.

    Looked for in the latest of the user's own records, so that a value which is
    never empty is not shown as missing. Without any records the longest values are
    the variables' names.
    """
    records = source.records_for(user).order_by("-pk")
    pks = list(records.values_list("pk", flat=True)[:SAMPLE_SIZE])
    sample = source.recipients(pks).values()
    choose = longest_value if longest else shortest_value
    return Recipient(
        object_id="",
        address="name@example.com",
        name=_("Nobody in particular"),
        variables={
            name: choose([row.variables[name] for row in sample], name)
            for name in source.variables
        },
    )


def longest_value(values: Iterable[VariableValue], name: str) -> VariableValue:
    return max(values, key=length, default=f"({name})")


def shortest_value(values: Iterable[VariableValue], name: str) -> VariableValue:
    return min(values, key=length, default=None)


def length(value: VariableValue) -> int:
    return 0 if value is None else len(str(value).strip())
