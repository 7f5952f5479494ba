"""The "don't mail" list."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db import models
from django.db.models import OuterRef, Q, Subquery
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from common.site.read_only import is_superuser
from massmail.forms.suppressed_address import (
    FullSuppressedAddressForm,
    SuppressedAddressForm,
)
from massmail.models import SuppressedAddress, SuppressionChange
from massmail.models.address import Address, InvalidAddress, ascii_domain
from massmail.models.suppressed_address import Action, keep
from massmail.site.base import ListPage
from massmail.site.erasure_page import ErasurePage
from massmail.site.health import TechnicalAdmin
from massmail.site.suppression_files import SuppressionFiles


class ScopeFilter(admin.SimpleListFilter):
    """Whether all mailings were left, or only those of a list."""

    title, parameter_name = _("scope"), "scope"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [("all", _("all mailings")), ("list", _("mailings of a list"))]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet) -> Any:
        if self.value() not in ("all", "list"):
            return queryset
        return queryset.filter(target_list__isnull=self.value() == "all")


class SuppressedAddressAdmin(SuppressionFiles, ErasurePage, ListPage):
    """Superusers see and mend the list; others add to it and see what they added.

    A row says what happened: it is never changed, and only a superuser takes it off,
    which its history keeps.
    """

    empty_hint = _(
        "Here you see the addresses that you have put on the list. Put one on it when "
        "somebody tells you by phone or letter that he wants no more mail: no mailing "
        "of anybody reaches it then."
    )
    list_display = ["entry", "reason", "scope", "source", "created_at", "by"]
    list_filter = ["reason", ScopeFilter]
    list_select_related = ["by", "target_list"]
    search_fields = ["address", "domain"]
    search_help_text = _("An address, or a part of it.")
    date_hierarchy = "created_at"
    show_full_result_count = False
    fields = [
        "address",
        "domain",
        "target_list",
        "reason",
        "source",
        "created_at",
        "by",
    ]

    @admin.display(description=_("address or domain"), ordering="address")
    def entry(self, row: Any) -> str:
        """A key alone would not say that somebody was erased."""
        if row.domain or row.address:
            return str(row)
        text = '{}<br><span class="mm-quiet-text">{}</span>'
        return format_html(text, _("an erased person"), row.address_key)

    @admin.display(  # type: ignore[call-overload]  # The last may be lazy, too.
        description=_("scope"),
        ordering="target_list__name",
        empty_value=_("all mailings"),
    )
    def scope(self, row: Any) -> str | None:
        return str(row.target_list) if row.target_list else None

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        rows = super().get_queryset(request)
        return rows if is_superuser(request) else rows.filter(by=request.user)

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet, search_term: str
    ) -> tuple[models.QuerySet, bool]:
        """A whole address is found by its key: also the rows without a text, whose
        person was erased, and in any spelling."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        if exact := exact_condition(search_term):
            found = found | queryset.filter(exact)
        return found, may_repeat

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_view_permission(request, obj)
        return allowed and (
            obj is None or is_superuser(request) or obj.by_id == request.user.pk
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request)

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """A whole domain concerns everybody's recipients, and what a recipient did is
        not a colleague's to say."""
        kwargs["form"] = (
            FullSuppressedAddressForm
            if is_superuser(request)
            else SuppressedAddressForm
        )
        return super().get_form(request, *args, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        if obj:
            return list(self.fields)
        return ["address", "domain", "reason"] if is_superuser(request) else ["address"]

    def save_model(
        self, request: HttpRequest, obj: Any, form: Any, change: bool
    ) -> None:
        obj.by = request.user
        obj.source = str(_("entered by hand"))
        if obj.domain:
            super().save_model(request, obj, form, change)
            keep(Action.ADDED, obj)
            return
        # By the list's own door: a recipient may be leaving at this very moment.
        row = SuppressedAddress.objects.suppress_key(
            obj.address_key,
            address=obj.address,
            reason=obj.reason,
            source=obj.source,
            by=obj.by,
        )
        obj.pk = row.pk

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.lift(request, SuppressedAddress.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet) -> None:
        self.lift(request, queryset)

    def lift(self, request: HttpRequest, rows: Any) -> None:
        opt_outs = rows.filter(reason=SuppressedAddress.Reason.OPTED_OUT)
        left = opt_outs.filter(target_list=None).count()
        rows.lift(source=str(_("taken off by hand")), by=request.user)
        if left:
            text = ngettext(
                "%(count)d of them had unsubscribed: the record stays so until you "
                "press “Subscribe again” on its tab “Mailings”.",
                "%(count)d of them had unsubscribed: their records stay so until you "
                "press “Subscribe again” on their tabs “Mailings”.",
                left,
            )
            messages.warning(request, text % {"count": left})


def exact_condition(term: str) -> Q | None:
    """The rows of this address, or of this domain; None for anything else."""
    term = term.strip()
    try:
        if "@" in term.lstrip("@"):
            return Q(address_key=Address.parse(term).key)
        return Q(domain=ascii_domain(term.lstrip("@"))) if term else None
    except InvalidAddress:
        return None


class HistoryList(ChangeList):
    """Brings the addresses of one page's lines by one query."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        key: Any = OuterRef("address_key")
        rows = SuppressedAddress.objects.of_person(key)
        address = Subquery(rows.exclude(address="").values("address")[:1])
        shown = SuppressionChange.objects.filter(
            pk__in=[change.pk for change in self.result_list]
        )
        addresses = dict(shown.order_by().values_list("pk", address))
        for change in self.result_list:
            change.listed_address = addresses.get(change.pk)


class SuppressionChangeAdmin(TechnicalAdmin):
    """Who put what on the list, and who took it off."""

    list_display = [
        "occurred_at",
        "action",
        "what",
        "target_list",
        "reason",
        "source",
        "by",
    ]
    list_filter = ["action", "reason"]
    list_select_related = ["by", "target_list"]
    search_fields = ["domain"]
    search_help_text = _("A whole address, or a domain.")
    date_hierarchy = "occurred_at"

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet, search_term: str
    ) -> tuple[models.QuerySet, bool]:
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        if exact := exact_condition(search_term):
            found = found | queryset.filter(exact)
        return found, may_repeat

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return HistoryList

    @admin.display(description=_("address or domain"))
    def what(self, change: Any) -> str:
        """The address only while the list has it: erased it stays erased."""
        return change.domain or change.listed_address or change.address_key
