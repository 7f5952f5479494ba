"""Filters of the lists."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from crm.access import CrmAccessPolicy
from crm.models import Country


class OwnerFilter(SimpleListFilter):
    """Offers the colleagues whose records the user sees; is absent without any."""

    title = _("owner")
    parameter_name = "owner"

    def lookups(
        self, request: HttpRequest, model_admin: ModelAdmin
    ) -> list[tuple[Any, str]]:
        colleagues = CrmAccessPolicy().colleagues(request.user)
        choices = [(str(person.pk), person.get_username()) for person in colleagues]
        return choices if len(choices) > 1 else []

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return narrowed(self, queryset)


class CountryFilter(SimpleListFilter):
    """Offers the countries of the rows that the user sees, not all of the world."""

    title = _("country")
    parameter_name = "country"

    def lookups(
        self, request: HttpRequest, model_admin: ModelAdmin
    ) -> list[tuple[Any, str]]:
        rows = model_admin.get_queryset(request).order_by()
        used = Country.objects.filter(Exists(rows.filter(country=OuterRef("pk"))))
        return [(str(pk), name) for pk, name in used.values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return narrowed(self, queryset)


def narrowed(choice: SimpleListFilter, queryset: QuerySet) -> QuerySet:
    """Rows of what was chosen; none for what was not offered."""
    value = choice.value()
    if value is None:
        return queryset
    if value not in {key for key, _name in choice.lookup_choices}:
        return queryset.none()
    return queryset.filter(**{str(choice.parameter_name): value})
