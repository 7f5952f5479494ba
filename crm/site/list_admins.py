"""The short lists from which people choose."""

from __future__ import annotations

from django.contrib import admin


class NamedAdmin(admin.ModelAdmin):
    search_fields = ["name"]


class CountryAdmin(NamedAdmin):
    list_display = ["name", "code"]
    search_fields = ["name", "=code"]


class DepartmentAdmin(admin.ModelAdmin):
    list_display = ["group"]
    list_select_related = ["group"]
    search_fields = ["group__name"]
