"""The ledger as people read it: the recipients of a mailing, and where each stands."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.contrib.admin.views.main import ORDER_VAR, PAGE_VAR, ChangeList
from django.core.paginator import Page, Paginator
from django.db import models
from django.db.models import Case, Q, Value, When
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from common.site.read_only import is_superuser
from massmail.models import (
    Delivery,
    DeliveryEvent,
    EmailAccount,
    MailingOut,
    MassmailSettings,
)
from massmail.models.bounce import Bounce
from massmail.models.key_range import key_range
from massmail.models.planned_accounts import GIVEN
from massmail.recipients.access import access_policy
from massmail.reports.recent_counts import is_large, recent_counts
from massmail.reports.statistics import STATES, Group, Progress
from massmail.sending.business_time import business_time
from massmail.site.base import LedgerAdmin
from massmail.site.closed_hours import in_closed_hours
from massmail.site.delivery_events import told_of_bounce, what_happened
from massmail.site.links import admin_url
from massmail.site.mailing_responses import LABELS, RESPONSE
from massmail.site.reasons import CLOSED_HOURS, reason_words
from massmail.site.recipients_list import RecipientsList
from massmail.site.response_filter import ResponseFilter

MAILING = "mailing__id__exact"
STATE = "state"
SHOWN = "massmail_shown_mailing"
# Query strings that may narrow the list. Any other column would let people ask for
# what is not shown to them, letter by letter.
LOOKUPS = frozenset(
    {
        *(MAILING, "mailing", STATE, "reason", RESPONSE, "account"),
        *("kind__exact", "status__exact"),
    }
)
SEARCHED = ("address", "name")
HIDDEN = _("not yours to see")


def belongs_to_others() -> Q:
    """Records that were not the mailing's owner's to mail: he must not learn whose."""
    return Q(status=Delivery.Status.SKIPPED, reason=Delivery.SkipReason.NOT_ASSIGNED)


def shown(column: str) -> Case:
    """The column for sorting: the order must not tell what is not shown either."""
    return Case(When(belongs_to_others(), then=Value("")), default=column)


class StateFilter(SimpleListFilter):
    """As the mailing's page groups them."""

    title = _("state")
    parameter_name = STATE

    def lookups(
        self, request: HttpRequest, model_admin: ModelAdmin
    ) -> list[tuple[str, Any]]:
        return list(Group.choices)

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet
    ) -> models.QuerySet:
        value = self.value()
        if value is None:
            return queryset
        if value not in Group.values:
            return queryset.none()
        return queryset.filter(status__in=STATES[Group(value)])


class ReasonFilter(SimpleListFilter):
    """The reasons that occur in the mailing that is shown."""

    title = _("reason")
    parameter_name = "reason"

    def lookups(
        self, request: HttpRequest, model_admin: ModelAdmin
    ) -> list[tuple[str, str]]:
        mailing = shown_mailing(request)
        if mailing is None:
            value = self.value()
            return [(value, reason_words(value))] if value else []
        reasons = mailing.deliveries.exclude(reason="").order_by("reason")
        found = reasons.values_list("reason", flat=True).distinct()
        return [(reason, reason_words(reason)) for reason in found]

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet
    ) -> models.QuerySet:
        return queryset.filter(reason=self.value()) if self.value() else queryset


class AccountFilter(SimpleListFilter):
    """The accounts that the person sees; other people's are none of his choices."""

    title = _("email account")
    parameter_name = "account"

    def lookups(
        self, request: HttpRequest, model_admin: ModelAdmin
    ) -> list[tuple[str, str]]:
        accounts = access_policy().visible(request.user, EmailAccount.objects.all())
        choices = [(str(pk), name) for pk, name in accounts.values_list("pk", "name")]
        return choices if len(choices) > 1 else []

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet
    ) -> models.QuerySet:
        if self.value() is None:
            return queryset
        if self.value() not in {key for key, _name in self.lookup_choices}:
            return queryset.none()
        return queryset.filter(GIVEN, email_account=self.value())


def shown_mailing(request: HttpRequest) -> MailingOut | None:
    """The mailing to which the list is narrowed, when the person may see it.

    Filters, columns and title ask for it; it is looked for once in a request.
    """
    known = vars(request)
    if SHOWN not in known:
        known[SHOWN] = find_mailing(request)
    return known[SHOWN]


def find_mailing(request: HttpRequest) -> MailingOut | None:
    key = request.GET.get(MAILING) or request.GET.get("mailing") or ""
    if not (key.isascii() and key.isdigit() and len(key) <= 18):
        return None
    return (
        access_policy()
        .visible(request.user, MailingOut.objects.all())
        .filter(pk=key)
        .first()
    )


def known_count(request: HttpRequest, mailing: MailingOut) -> int | None:
    """How many recipients are listed, if only the mailing and a state narrow them."""
    state = request.GET.get(STATE)
    is_narrowed = request.GET.keys() - {MAILING, STATE, PAGE_VAR, ORDER_VAR}
    if is_narrowed or state not in (None, *Group.values):
        return None
    progress = Progress(recent_counts([mailing])[mailing.pk])
    return progress.groups[Group(state)] if state else progress.total


class RecipientsPaginator(Paginator):
    """Reads a page of a mailing's recipients where they are.

    In the order of their keys, databases would pass by those of all older mailings.
    """

    object_list: Any
    mailing: MailingOut | None = None
    # How many there are, where that is known.
    known: int | None = None

    @cached_property
    def count(self) -> int:
        return super().count if self.known is None else self.known

    def page(self, number: int | str) -> Page:
        place = self.validate_number(number)
        if self.mailing:
            keys = key_range(self.mailing.pk)
            self.object_list = self.object_list.filter(pk__range=keys)
        return super().page(place)


class DeliveryAdmin(LedgerAdmin):
    """Each message to each address: where it stands and what the server said.

    Mail without a mailing (tests, alerts) is for superusers.
    """

    change_list_template = "admin/massmail/delivery/change_list.html"
    paginator = RecipientsPaginator
    show_facets = admin.ShowFacets.NEVER
    list_display = ["recipient", "status", "why", "account", "sent_at"]
    list_select_related = ["email_account", "mailing"]
    # Half of what Django shows: most of the time of a page goes into its lines.
    list_per_page = 50
    search_fields = SEARCHED
    search_help_text = _("Address or name")
    fields = [
        "mailing",
        "version",
        "kind",
        "shown_name",
        "shown_address",
        "email_account",
        "status",
        "reason_in_words",
        "priority",
        "attempts",
        "not_before",
        "queued_at",
        "sending_at",
        "sent_at",
        "message_id",
        "smtp_code",
        "smtp_enhanced",
        "shown_smtp_text",
        "what_happened",
    ]
    readonly_fields = [
        "shown_name",
        "shown_address",
        "reason_in_words",
        "shown_smtp_text",
        "what_happened",
    ]

    def visible_rows(
        self, request: HttpRequest, queryset: models.QuerySet
    ) -> models.QuerySet:
        return self.visible_by(request, queryset, "mailing")

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        """Each row knows whether its reader may know whom it is about."""
        hidden = Value(False) if is_superuser(request) else belongs_to_others()
        flag = models.ExpressionWrapper(hidden, output_field=models.BooleanField())
        return super().get_queryset(request).annotate(is_hidden=flag)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return RecipientsList

    def get_paginator(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        paginator: Any = super().get_paginator(request, *args, **kwargs)
        paginator.mailing = shown_mailing(request)
        if paginator.mailing and is_large(paginator.mailing):
            paginator.known = known_count(request, paginator.mailing)
        return paginator

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Without the account while it is only planned."""
        is_planned = obj is not None and obj.email_account and not obj.given_account
        fields = super().get_fields(request, obj)
        return [one for one in fields if not is_planned or one != "email_account"]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Which mailing, only where there are several."""
        columns = list(super().get_list_display(request))
        return columns if shown_mailing(request) else [*columns, "mailing"]

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        filters = [StateFilter, ReasonFilter, ResponseFilter, AccountFilter]
        return [*filters, "kind"] if is_superuser(request) else filters

    def lookup_allowed(
        self, lookup: str, value: Any, request: HttpRequest | None = None
    ) -> bool:
        return lookup in LOOKUPS

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet, search_term: str
    ) -> tuple[models.QuerySet, bool]:
        """By what is shown, not by what is kept back."""
        if search_term and not is_superuser(request):
            queryset = queryset.exclude(belongs_to_others())
        return super().get_search_results(request, queryset, search_term)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context: dict[str, Any] = {}
        if mailing := shown_mailing(request):
            of_mailing: dict[str, Any] = {MAILING: mailing.pk}
            context = {
                "title": _("Recipients of “%(name)s”") % {"name": mailing.name},
                "mailing": mailing,
                "mailing_url": admin_url(self.admin_site, mailing),
                "all_url": admin_url(self.admin_site, Delivery, **of_mailing),
            }
        return super().changelist_view(request, context | (extra_context or {}))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """By whom it is for; its own name is a number and a word."""
        if delivery := kwargs.get("obj"):
            context["subtitle"] = (
                self.shown_name(delivery) or self.shown_address(delivery) or None
            )
            if delivery.mailing:
                of_mailing: dict[str, Any] = {MAILING: delivery.mailing_id}
                context["mailing_url"] = admin_url(self.admin_site, delivery.mailing)
                context["recipients_url"] = admin_url(
                    self.admin_site, Delivery, **of_mailing
                )
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description=_("recipient"), ordering=shown("address"))
    def recipient(self, delivery: Any) -> str:
        if delivery.is_hidden:
            return str(HIDDEN)
        return two_lines(delivery.name or delivery.address, delivery.address)

    @admin.display(description=_("why"), ordering="reason", empty_value="–")
    def why(self, delivery: Any) -> str:
        words = "" if delivery.is_hidden else delivery.smtp_text
        if delivery.in_closed_hours:
            return str(CLOSED_HOURS)
        if delivery.bounce and not delivery.is_hidden:
            return bounced_words(delivery.bounce)
        return two_lines(reason_words(delivery.reason), words)

    @admin.display(
        description=_("email account"),
        ordering="email_account__name",
        empty_value="–",
    )
    def account(self, delivery: Any) -> str:
        """By its name: one more address would leave no room for the others."""
        return delivery.given_account.name if delivery.given_account else ""

    @admin.display(description=_("address"))
    def shown_address(self, delivery: Any) -> str:
        return str(HIDDEN) if delivery.is_hidden else delivery.address

    @admin.display(description=_("name"), empty_value="–")
    def shown_name(self, delivery: Any) -> str:
        return "" if delivery.is_hidden else delivery.name

    @admin.display(description=_("server's words"), empty_value="–")
    def shown_smtp_text(self, delivery: Any) -> str:
        """They often repeat the address."""
        return "" if delivery.is_hidden else delivery.smtp_text

    @admin.display(description=_("what came of it"), empty_value="–")
    def what_happened(self, delivery: Any) -> str:
        """Words of servers and answers repeat the address, too."""
        return "" if delivery.is_hidden else what_happened(delivery)

    @admin.display(description=_("reason"), empty_value="–")
    def reason_in_words(self, delivery: Delivery) -> str:
        hours = business_time(MassmailSettings.load())
        if in_closed_hours(delivery, hours, timezone.now()):
            return str(CLOSED_HOURS)
        return reason_words(delivery.reason)


def bounced_words(bounce: Bounce) -> str:
    """What came back later says more than what the server had answered."""
    told = told_of_bounce(bounce)
    return two_lines(f"{LABELS[DeliveryEvent.Kind.BOUNCED]}: {told.text}", told.words)


def two_lines(first: str, second: str) -> str:
    """The second one smaller, and only when it says something else."""
    if not second or first == second:
        return first
    if not first:
        return second
    return format_html('{}<br><span class="mm-quiet-text">{}</span>', first, second)
