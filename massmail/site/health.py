"""Accounts' history and turns, alerts, heartbeats and hand-overs: to read only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from common.site.odd_input import ToleratesOddInput
from common.site.read_only import ReadOnly, is_superuser
from massmail.models import AccountEvent
from massmail.site.account_facts import reason_in_words, server_words
from massmail.site.base import LedgerAdmin, OffTheIndex


class AccountEventAdmin(OffTheIndex, LedgerAdmin):
    """The history of the accounts that the person sees."""

    list_display = ["occurred_at", "email_account", "state", "why", "by"]
    list_filter = ["state"]
    list_select_related = ["email_account", "by"]
    date_hierarchy = "occurred_at"
    fields = [
        "occurred_at",
        "email_account",
        "state",
        "reason_in_words",
        "server_said",
        "by",
    ]
    readonly_fields = ["reason_in_words", "server_said"]

    def visible_rows(
        self, request: HttpRequest, queryset: models.QuerySet
    ) -> models.QuerySet:
        return self.visible_by(request, queryset, "email_account")

    @admin.display(description=_("why"))
    def why(self, event: AccountEvent) -> str:
        return Truncator(self.reason_in_words(event)).chars(80)

    @admin.display(description=AccountEvent._meta.get_field("reason").verbose_name)
    def reason_in_words(self, event: AccountEvent) -> str:
        return reason_in_words(event.reason) or "–"

    @admin.display(description=AccountEvent._meta.get_field("detail").verbose_name)
    def server_said(self, event: AccountEvent) -> str:
        return server_words(event.detail) or "–"


class PersonalAdmin(LedgerAdmin):
    """Rows that concern one person: his own, for superusers all."""

    person_field = "owner"

    def visible_rows(
        self, request: HttpRequest, queryset: models.QuerySet
    ) -> models.QuerySet:
        if is_superuser(request):
            return queryset
        return queryset.filter(**{self.person_field: request.user})


class OpenFilter(admin.SimpleListFilter):
    """Whether somebody still has to see to it."""

    title = _("state")
    parameter_name = "open"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin
    ) -> list[tuple[str, Any]]:
        return [("yes", _("open")), ("no", _("closed"))]

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet
    ) -> models.QuerySet:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(closed_at__isnull=self.value() == "yes")


class AlertAdmin(PersonalAdmin):
    """What a person must see."""

    person_field = "recipient"
    empty_hint = _(
        "An alert tells what you have to see to: an account that was stopped, a "
        "mailing that does not go on. It is mailed to you, too, and closes when that "
        "is mended."
    )
    list_display = ["text", "recipient", "raised_at", "closed_at"]
    list_filter = [OpenFilter]
    list_select_related = ["recipient"]
    date_hierarchy = "raised_at"


class EmlAccountsQueueAdmin(OffTheIndex, PersonalAdmin):
    """Whose account's turn it is."""

    list_display = ["email_account", "owner", "last_turn_at"]
    list_select_related = ["email_account", "owner"]
    ordering = [models.F("last_turn_at").asc(nulls_first=True), "email_account_id"]


class TechnicalAdmin(ReadOnly, ToleratesOddInput):
    """Rows that help to find out what happened; for superusers."""

    show_full_result_count = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return is_superuser(request)


class HeartbeatAdmin(TechnicalAdmin):
    list_display = ["name", "beat_at"]


class SendAttemptAdmin(TechnicalAdmin):
    """What quotas count."""

    list_display = ["occurred_at", "email_account", "delivery_id", "outcome"]
    list_filter = ["outcome", "email_account"]
    list_select_related = ["email_account"]
    raw_id_fields = ["delivery"]
    ordering = ["-occurred_at"]


class DeliveryEventAdmin(TechnicalAdmin):
    """What happened after the sending, and besides."""

    list_display = ["occurred_at", "kind", "delivery_id", "is_machine", "by", "detail"]
    list_filter = ["kind", "is_machine"]
    list_select_related = ["by"]
    raw_id_fields = ["delivery"]
    ordering = ["-occurred_at", "-pk"]
