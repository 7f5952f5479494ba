"""Massmail Settings: superusers, one row, one form."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from common.site.read_only import SuperusersOnly
from massmail.forms.massmail_settings import MassmailSettingsForm
from massmail.models.massmail_settings import SINGLETON
from massmail.reports.sender_health import sender_health
from massmail.site.links import admin_url


class MassmailSettingsAdmin(SuperusersOnly, admin.ModelAdmin):
    """The menu opens the form at once; there is nothing to add or to delete."""

    form = MassmailSettingsForm
    change_form_template = "admin/massmail/massmailsettings/change_form.html"
    fieldsets = [
        (
            _("Recipients' pages"),
            {
                "fields": [
                    "company_name",
                    "new_logo",
                    "remove_logo",
                    "brand_color",
                    "postal_address",
                    "unsubscribe_redirect_url",
                    "public_base_url",
                    "view_days",
                ]
            },
        ),
        (
            _("What is noted of recipients"),
            {"fields": ["track_opens", "track_clicks", "utm_source"]},
        ),
        (
            _("Addresses that fail"),
            {"fields": [("soft_bounce_count", "soft_bounce_days")]},
        ),
        (
            _("When mail is sent"),
            {
                "fields": [
                    "emails_per_day",
                    "use_business_time",
                    "business_days",
                    ("business_time_start", "business_time_end"),
                    "time_zone",
                    "use_recipient_time_zone",
                    "holiday_calendar",
                    "extra_holidays",
                ]
            },
        ),
    ]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        """The row, or the defaults until somebody saves them: a GET adds nothing."""
        return self.model.load() if object_id == str(SINGLETON) else None

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """The first question when nothing moves is answered where it is asked."""
        context["sender"] = sender_health(timezone.now())
        return super().render_change_form(request, context, *args, **kwargs)

    def changelist_view(
        self, request: HttpRequest, extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            return super().changelist_view(request, extra_context)
        return HttpResponseRedirect(
            admin_url(self.admin_site, self.model(pk=SINGLETON))
        )
