"""How managers choose among companies, contacts and leads for a mailing."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from common.forms import DayField, RowsField
from crm.models import ClientType, Country, Industry, Tag
from massmail.recipients import RecipientFilter


def several(label: Any, model: Any) -> RowsField:
    return RowsField(
        model.objects.none(),
        label=label,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )


class RecordFilter(RecipientFilter):
    """Any of what is ticked in a field, and all of the fields that are used."""

    # Field → ORM path from the record.
    paths: dict[str, str] = {"country": "country", "tags": "tags"}

    country = several(_("Countries"), Country)
    tags = several(_("Tags"), Tag)
    created_from = DayField(label=_("Created from"), required=False)
    created_until = DayField(label=_("Created until"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, path in self.paths.items():
            field: Any = self.fields[name]
            used = self.records.order_by().values(path).distinct()
            field.queryset = field.queryset.model.objects.filter(pk__in=used)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        first, last = cleaned.get("created_from"), cleaned.get("created_until")
        if first and last and last < first:
            self.add_error("created_until", _("It must not be before the first day."))
        return cleaned

    def filter(self, queryset: QuerySet, cleaned_data: dict[str, Any]) -> QuerySet:
        records = queryset.model.objects.all()
        for name, path in self.paths.items():
            if ticked := cleaned_data[name]:
                meant = records.filter(**{f"{path}__in": ticked})
                queryset = queryset.filter(pk__in=meant.values("pk"))
        return queryset.filter(created_between(cleaned_data))


def created_between(cleaned_data: dict[str, Any]) -> Q:
    """Both days belong to it, by the site's clock."""
    condition = Q()
    if first := cleaned_data["created_from"]:
        condition &= Q(created_at__gte=midnight(first))
    if last := cleaned_data["created_until"]:
        condition &= Q(created_at__lt=midnight(last + dt.timedelta(days=1)))
    return condition


def midnight(day: dt.date) -> dt.datetime:
    return timezone.make_aware(dt.datetime.combine(day, dt.time()))


class CompanyFilterForm(RecordFilter):
    paths = RecordFilter.paths | {"industry": "industry", "client_type": "client_type"}

    industry = several(_("Industries"), Industry)
    client_type = several(_("Types of client"), ClientType)
    field_order = ["industry", "client_type", "country", "tags"]


class ContactFilterForm(RecordFilter):
    """Industry and type are those of the contact's company."""

    paths = RecordFilter.paths | {
        "industry": "company__industry",
        "client_type": "company__client_type",
    }

    industry = several(_("Industries"), Industry)
    client_type = several(_("Types of client"), ClientType)
    field_order = ["industry", "client_type", "country", "tags"]


class LeadFilterForm(RecordFilter):
    paths = RecordFilter.paths | {"industry": "industry"}

    industry = several(_("Industries"), Industry)
    field_order = ["industry", "country", "tags"]
