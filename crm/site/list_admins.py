"""The short lists from which people choose."""

from __future__ import annotations

from common.site.odd_input import ToleratesOddInput


class NamedAdmin(ToleratesOddInput):
    search_fields = ["name"]


class CountryAdmin(NamedAdmin):
    list_display = ["name", "code"]
    search_fields = ["name", "=code"]


class DepartmentAdmin(ToleratesOddInput):
    list_display = ["group"]
    list_select_related = ["group"]
    search_fields = ["group__name"]
