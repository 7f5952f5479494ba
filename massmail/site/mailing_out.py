"""Mailings: the list, and each one's page."""

from __future__ import annotations

from typing import Any

from django.db.models import DateTimeField
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from massmail.forms.launch import MomentField, Picker
from massmail.forms.mailing_out import DraftForm
from massmail.models import MailingOut
from massmail.orchestrator.message_fit import misfit
from massmail.recipients.registry import source_for
from massmail.site.launch_page import LaunchPage
from massmail.site.links import admin_url
from massmail.site.mailing_buttons import MailingButtons
from massmail.site.mailing_facts import MANY, page_facts, recipients_url
from massmail.site.mailing_list import MailingList
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
    "target_lists",
    "excluded_lists",
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


class MailingOutAdmin(
    MailingList,
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
    formfield_overrides = {DateTimeField: {"form_class": MomentField, "widget": Picker}}
    change_form_template = "admin/massmail/mailingout/change_form.html"
    readonly_fields = STATE_FIELDS

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

    def overview(self, request: HttpRequest) -> dict[str, Any]:
        """What the index of Mass mail tells, for the template tag of that name."""
        return overview(self.admin_site, request)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if mailing := kwargs.get("obj"):
            context |= {
                "title": mailing.name,
                "subtitle": None,
                "facts": page_facts(
                    self.admin_site,
                    request,
                    mailing,
                    with_forecast=mailing.is_final or mailing.recipients_count <= MANY,
                ),
                "urls": self.urls_of(mailing),
                "lists": self.lists_of(mailing),
                "recipients_type": self.recipients_type(mailing),
                "message_url": self.message_url(request, mailing),
                "preview_url": self.preview_url(request, mailing),
                "misfit": self.misfit(mailing),
                "responses": response_facts(self.admin_site, mailing),
                "test_url": self.test_url(request, mailing),
                "tools": tools_of(self.admin_site, request, mailing),
            }
        return super().render_change_form(request, context, *args, **kwargs)

    def misfit(self, mailing: MailingOut) -> str:
        """What the launch of a draft would be refused for, as soon as it is known."""
        if not mailing.is_draft:
            return ""
        try:
            source = source_for(mailing.content_type)
        except LookupError:  # its app is gone: there is nobody to write to
            return ""
        return misfit(mailing.message, source)

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
