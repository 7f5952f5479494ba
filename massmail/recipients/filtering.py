"""The form by which a host lets managers choose among its records."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet


class RecipientFilter(forms.Form):
    """Name your subclass as a source's `filter_form`: its fields, and `filter()`.

    No field may be required: an empty form means all records.
    """

    def __init__(self, *args: Any, records: QuerySet, **kwargs: Any) -> None:
        """`records` are those that the person may mail: offer what occurs in them."""
        super().__init__(*args, **kwargs)
        self.records = records

    def filter(self, queryset: QuerySet, cleaned_data: dict[str, Any]) -> QuerySet:
        """Those of the records that were meant, each once; without slices."""
        raise NotImplementedError(f"{type(self).__name__}.filter()")
