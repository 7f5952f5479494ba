"""Fields that are completed while one types, for whatever is posted to them."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.widgets import (
    AutocompleteSelect,
    AutocompleteSelectMultiple,
)

from common.utils.helpers import is_whole_number


class KnownKeys:
    """Mixin for rows with numbers as keys: they alone are looked for.

    Django asks the database for whatever was posted, or stands in the address, in
    order to show it again; some of it no database can compare with a key.
    """

    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        keys = [key for key in value if not key or is_whole_number(str(key))]
        return super().optgroups(name, keys, attr)  # type: ignore[misc]


class AutocompleteOne(KnownKeys, AutocompleteSelect):
    """For a foreign key."""


class AutocompleteSeveral(KnownKeys, AutocompleteSelectMultiple):
    """For a relation to many."""
