"""The list of contacts."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from crm.resources import ContactResource
from crm.site.filters import CountryFilter, OwnerFilter
from crm.site.record_admin import RecordAdmin


class ContactAdmin(RecordAdmin):
    resource_class = ContactResource
    list_display = ["full_name", "email", "company", "country", "owner"]
    list_select_related = ["company", "country", "owner"]
    list_filter = [
        OwnerFilter,
        "company__industry",
        "company__client_type",
        CountryFilter,
        "tags",
        "accepts_mailings",
        "disqualified",
        "created_at",
    ]
    search_fields = ["full_name", "email"]
    autocomplete_fields = ["company", "tags"]
    fieldsets = [
        (None, {"fields": ["title", "first_name", "middle_name", "last_name"]}),
        (None, {"fields": ["email", "phone", "company", "tags"]}),
        (None, {"fields": ["country", "language", "time_zone"]}),
        (_("Mailings"), {"fields": ["accepts_mailings", "disqualified"]}),
        (
            _("Assignment"),
            {"fields": ["owner", "department", "created_at", "updated_at"]},
        ),
    ]
