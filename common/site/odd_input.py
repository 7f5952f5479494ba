"""Lists that are asked for what no link and no button of theirs asks."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import ValidationError
from django.db.models import Field, QuerySet
from django.http import HttpRequest


class ToleratesOddInput(admin.ModelAdmin):
    """Mixin: what is wrong in an address or a selection leads back to the list."""

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """A year that no calendar has counts as wrong, and so does a character that
        PostgreSQL has no place for.

        Django sees to that for all other values; these fail only in the database or
        on the way to it.
        """
        given = [value for _name, values in request.GET.lists() for value in values]
        if any("\0" in value for value in given):
            raise IncorrectLookupParameters
        try:
            return super().get_changelist_instance(request)
        except (OverflowError, ValueError) as error:
            raise IncorrectLookupParameters(error) from error

    def response_action(
        self, request: HttpRequest, queryset: QuerySet, *args: Any, **kwargs: Any
    ) -> Any:
        """Keys that no row can have are left out, where Django would crash.

        Django 6.1 also says from which place on the page the action came.
        """
        chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
        possible = [key for key in chosen if is_key(self.model._meta.pk, key)]
        if possible != chosen:
            data = request.POST.copy()
            data.setlist(ACTION_CHECKBOX_NAME, possible)
            # The stubs know no POST that can be changed.
            request.POST = data  # type: ignore[assignment]
        return super().response_action(request, queryset, *args, **kwargs)


def is_key(field: Field, text: str) -> bool:
    """Whether the text can be a value of this primary key in any database."""
    try:
        field.clean(text, None)
    except ValidationError:
        return False
    return "\0" not in text
