"""Target lists that keep a filter: the values of a source's own form."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict

from massmail.models import TargetList
from massmail.recipients.filtering import RecipientFilter
from massmail.recipients.source import RecipientSource

# Of the fields of a source's own form, here and where a mailing begins.
PREFIX = "record"


def is_filter_of(target_list: TargetList, source: RecipientSource) -> bool:
    return (
        target_list.kind == TargetList.Kind.FILTER
        and target_list.content_type_id == source.content_type.pk
        and source.filter_form is not None
    )


def filtered(user: Any, source: RecipientSource, target_list: TargetList) -> QuerySet:
    """What the list's filter finds today; nothing where it makes no sense any more."""
    mine = source.records_for(user)
    form = form_of(target_list, source, mine)
    if not form.is_valid():
        return mine.none()
    return form.filter(mine, form.cleaned_data)


def is_broken(user: Any, source: RecipientSource, target_list: TargetList) -> bool:
    """Whether the list's filter asks for what is not there any more."""
    mine = source.records_for(user)
    return (
        is_filter_of(target_list, source)
        and not form_of(target_list, source, mine).is_valid()
    )


def form_of(
    target_list: TargetList, source: RecipientSource, records: QuerySet
) -> RecipientFilter:
    """The source's own form, filled in as the list keeps it."""
    filter_form: Any = source.filter_form
    return filter_form(QueryDict(target_list.query), prefix=PREFIX, records=records)
