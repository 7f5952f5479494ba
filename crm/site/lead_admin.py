"""The list of leads."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from crm.resources import LeadResource
from crm.site.filters import CountryFilter, OwnerFilter
from crm.site.record_admin import RecordAdmin


class LeadAdmin(RecordAdmin):
    resource_class = LeadResource
    list_display = ["full_name", "email", "company_name", "country", "owner"]
    list_select_related = ["country", "owner"]
    list_filter = [
        OwnerFilter,
        "industry",
        CountryFilter,
        "tags",
        "accepts_mailings",
        "disqualified",
        "created_at",
    ]
    search_fields = ["full_name", "email", "company_name"]
    fieldsets = [
        (None, {"fields": ["title", "first_name", "middle_name", "last_name"]}),
        (None, {"fields": ["email", "company_name", "website", "industry", "tags"]}),
        (None, {"fields": ["country"]}),
        (_("Mailings"), {"fields": ["accepts_mailings", "disqualified"]}),
        (
            _("Assignment"),
            {"fields": ["owner", "department", "created_at", "updated_at"]},
        ),
    ]
