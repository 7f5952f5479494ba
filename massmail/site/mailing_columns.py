"""Columns and a filter for the lists of a host's recipients: VIP and newsletter."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from massmail.audience.past import vips
from massmail.models import MailingOut
from massmail.recipients.access import access_policy
from massmail.recipients.registry import offers_recipients, source_of
from massmail.reports.newsletter import newsletters


class VipFilter(admin.SimpleListFilter):
    title = _("VIP")
    parameter_name = "vip"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin
    ) -> list[tuple[str, Any]]:
        return [("yes", _("Yes")), ("no", _("No"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() == "yes":
            return queryset.filter(pk__in=vips(source_of(queryset.model)))
        if self.value() == "no":
            return queryset.exclude(pk__in=vips(source_of(queryset.model)))
        return queryset


class RecordChangeList(ChangeList):
    """Brings what is told of the records of one page, by few queries."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        found = newsletters(
            source_of(self.model),
            [record.pk for record in self.result_list],
            mailings=access_policy().visible(request.user, MailingOut.objects.all()),
        )
        for record in self.result_list:
            record.newsletter_facts = found[str(record.pk)]


class MailingColumns(admin.ModelAdmin):
    """Mixin for the admin of a model that is registered as a kind of recipient.

    A list of anything else stays as it is; the system checks tell.
    """

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        own = ["vip", "newsletter"] if offers_recipients(self.model) else []
        return [*super().get_list_display(request), *own]

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        own = [VipFilter] if offers_recipients(self.model) else []
        return [*own, *super().get_list_filter(request)]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        if offers_recipients(self.model):
            return RecordChangeList
        return super().get_changelist(request, **kwargs)

    @admin.display(description=_("VIP"), empty_value="")
    def vip(self, record: Any) -> str:
        if not record.newsletter_facts.is_vip:
            return ""
        return format_html('<span class="mm-vip">{}</span>', _("VIP"))

    @admin.display(description=_("newsletter"))
    def newsletter(self, record: Any) -> str:
        return render_to_string(
            "admin/massmail/newsletter.html", {"newsletter": record.newsletter_facts}
        )
