"""Lists whose address no link of theirs has."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.http import HttpRequest


class ToleratesAddresses(admin.ModelAdmin):
    """Mixin: what is wrong in an address leads back to the list, whatever it is."""

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
