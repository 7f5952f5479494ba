"""The list of companies."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from crm.resources import CompanyResource
from crm.site.filters import CountryFilter, OwnerFilter
from crm.site.record_admin import RecordAdmin


class CompanyAdmin(RecordAdmin):
    resource_class = CompanyResource
    list_display = ["name", "email", "city", "country", "client_type", "owner"]
    list_select_related = ["country", "client_type", "owner"]
    list_filter = [
        OwnerFilter,
        "industry",
        "client_type",
        CountryFilter,
        "tags",
        "accepts_mailings",
        "disqualified",
        "created_at",
    ]
    search_fields = ["name", "email", "city"]
    fieldsets = [
        (None, {"fields": ["name", "email", "phone", "website", "city", "country"]}),
        (None, {"fields": ["industry", "client_type", "tags"]}),
        (_("Mailings"), {"fields": ["accepts_mailings", "disqualified"]}),
        (
            _("Assignment"),
            {"fields": ["owner", "department", "created_at", "updated_at"]},
        ),
    ]
