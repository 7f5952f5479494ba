"""Mailings: the list, and each one's page."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import DateTimeField
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from common.utils.helpers import is_whole_number
from massmail.forms.launch import Picker
from massmail.forms.mailing_out import DraftForm
from massmail.models import MailingOut
from massmail.site.base import OWNER_FILTER
from massmail.site.beginnings import beginnings, create_url
from massmail.site.launch_page import LaunchPage
from massmail.site.links import admin_url
from massmail.site.mailing_buttons import MailingButtons
from massmail.site.mailing_facts import list_facts, page_facts, recipients_url
from massmail.site.mailing_responses import response_facts
from massmail.site.mailing_tools import tools_of
from massmail.site.merge_page import MergePage
from massmail.site.overview import overview
from massmail.site.recipient_choice import RecipientChoicePages
from massmail.site.repeat_pages import RepeatPages
from massmail.site.schedule_page import SchedulePage
from massmail.site.uncertain import RepairPages

DRAFT_FIELDS = [
    "name",
    "message",
    "start_at",
    "expires_at",
    "is_tracked",
    "utm_campaign",
]
STATE_FIELDS = [
    "recipients_type",
    "owner",
    "department",
    "created_at",
    "prepared_at",
    "launched_at",
    "finished_at",
    "stop_reason",
    "override_reason",
    "merged_into",
    "report",
]


class MailingChangeList(ChangeList):
    """Brings what is told of the mailings of one page, by few queries."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        facts = list_facts(self.result_list)
        for mailing in self.result_list:
            mailing.facts = facts[mailing.pk]


class MailingOutAdmin(
    MailingButtons,
    LaunchPage,
    SchedulePage,
    RepairPages,
    RecipientChoicePages,
    MergePage,
    RepeatPages,
):
    """A draft's name, message and times can be changed here; nothing is deleted.

    Mailings are made from recipients, so there is no plain "add".
    """

    form = DraftForm
    # One field with one label each, as on the launch page.
    formfield_overrides = {
        DateTimeField: {"form_class": forms.DateTimeField, "widget": Picker}
    }
    change_form_template = "admin/massmail/mailingout/change_form.html"
    change_list_template = "admin/massmail/mailingout/change_list.html"
    list_display = ["name", "progress", "state", "owner", "created"]
    list_filter = ["status", OWNER_FILTER]
    list_select_related = ["message", "content_type", "owner"]
    search_fields = ["name", "message__subject"]
    date_hierarchy = "created_at"
    list_per_page = 50
    readonly_fields = STATE_FIELDS

    def get_urls(self) -> list[URLPattern]:
        view = require_GET(never_cache(self.list_progress_view))
        progress = path(
            "progress/",
            self.admin_site.admin_view(view),
            name="massmail_mailingout_list_progress",
        )
        return [progress, *super().get_urls()]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return MailingChangeList

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing of a launched mailing can be changed, by nobody."""
        is_draft = obj is None or obj.is_draft
        return is_draft and super().has_change_permission(request, obj)

    def get_fieldsets(
        self, request: HttpRequest, obj: MailingOut | None = None
    ) -> list[Any]:
        """What can be changed first; all else only for who wants to know."""
        if self.has_change_permission(request, obj):
            return [
                (_("Change the draft"), {"fields": DRAFT_FIELDS}),
                (_("Details"), {"fields": STATE_FIELDS, "classes": ["collapse"]}),
            ]
        details = [*DRAFT_FIELDS, *STATE_FIELDS]
        return [(_("Details"), {"fields": details, "classes": ["collapse"]})]

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """The message has its own links on the page; here is no place to delete it."""
        form = super().get_form(request, *args, **kwargs)
        if message := form.base_fields.get("message"):
            message.widget.can_change_related = False
            message.widget.can_delete_related = False
            message.widget.can_view_related = False
        return form

    def list_progress_view(self, request: HttpRequest) -> JsonResponse:
        """Facts of the mailings `ids=1,2,3` that the person may see."""
        wanted = request.GET.get("ids", "").split(",")
        ids = [int(key) for key in wanted[: self.list_per_page] if is_whole_number(key)]
        rows = self.get_queryset(request).filter(pk__in=ids)
        mailings = rows.select_related(*self.list_select_related)
        return JsonResponse({"mailings": list_facts(mailings)})

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {
            "progress_url": reverse(
                "admin:massmail_mailingout_list_progress",
                current_app=self.admin_site.name,
            ),
            "beginnings": beginnings(self.admin_site, request),
            "create_url": create_url(self.admin_site, request),
        }
        return super().changelist_view(request, context | (extra_context or {}))

    def overview(self, request: HttpRequest) -> dict[str, Any]:
        """What the index of Mass mail tells, for the template tag of that name."""
        return overview(self.admin_site, request)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], **kwargs: Any
    ) -> HttpResponse:
        if mailing := kwargs.get("obj"):
            context |= {
                "title": mailing.name,
                "subtitle": None,
                "facts": page_facts(self.admin_site, request, mailing),
                "urls": self.urls_of(mailing),
                "lists": self.lists_of(mailing),
                "recipients_type": self.recipients_type(mailing),
                "message_url": self.message_url(request, mailing),
                "preview_url": self.preview_url(request, mailing),
                "responses": response_facts(mailing),
                "test_url": self.test_url(request, mailing),
                "tools": tools_of(self.admin_site, request, mailing),
            }
        return super().render_change_form(request, context, **kwargs)

    def urls_of(self, mailing: MailingOut) -> dict[str, str]:
        names = ("progress", "launch", "schedule", "pause", "resume", "cancel")
        return {name: admin_url(self.admin_site, mailing, name) for name in names}

    def lists_of(self, mailing: MailingOut) -> dict[str, str]:
        """The mailing's recipients, all and by group."""
        groups = ("", "sent", "waiting", "skipped", "failed", "uncertain")
        return {
            group or "chosen": recipients_url(self.admin_site, mailing, group)
            for group in groups
        }

    @admin.display(description=_("recipients' type"), ordering="content_type")
    def recipients_type(self, mailing: MailingOut) -> str:
        """Their model's name; its app may be gone."""
        model = mailing.content_type.model_class()
        return capfirst(model._meta.verbose_name_plural) if model else "–"

    @admin.display(description=_("created"), ordering="created_at")
    def created(self, mailing: MailingOut) -> dt.date:
        """The day is enough for a list; the time is on the mailing's page."""
        return timezone.localdate(mailing.created_at)

    @admin.display(description=_("progress"))
    def progress(self, mailing: Any) -> str:
        return render_to_string(
            "admin/massmail/mailingout/list_progress.html",
            {"mailing": mailing, "facts": mailing.facts},
        )

    @admin.display(description=_("status"), ordering="status")
    def state(self, mailing: Any) -> str:
        return render_to_string(
            "admin/massmail/mailingout/list_state.html",
            {
                "mailing": mailing,
                "facts": mailing.facts,
                "recipients_type": self.recipients_type(mailing),
            },
        )
