"""Messages: where they are written, and which mailings have them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from massmail.content.starter import GREETED_BY
from massmail.forms.eml_message import EmlMessageForm
from massmail.models import EmlMessage, LibraryImage, MailingOut, Signature
from massmail.orchestrator.compiling import FILE_MISSING
from massmail.orchestrator.copying import copy_message
from massmail.orchestrator.revising import outdated_mailings
from massmail.recipients.access import access_policy
from massmail.site.attachments import AttachmentInline, AttachmentPages, files_in_words
from massmail.site.base import OWNER_FILTER
from massmail.site.copy_action import CopyAction
from massmail.site.layouts import LayoutPages, starter_of
from massmail.site.links import add_url_if_allowed, admin_url
from massmail.site.live_preview import LivePreviewPages
from massmail.site.mailing_facts import status_text
from massmail.site.mailing_filters import DepartmentFilter
from massmail.site.old_text_page import OldTextPage
from massmail.site.picture_uploads import upload_url
from massmail.site.previews import PreviewPages
from massmail.site.small_pictures import small_picture
from massmail.site.trial_page import TrialPage
from massmail.site.variables import (
    blocks,
    button_source,
    fallback_tag,
    offered_pictures,
    recipients_variables,
    standard_variables,
)
from massmail.site.version_pages import VersionPages

MAILINGS_SHOWN = 10


class EmlMessageAdmin(
    CopyAction,
    TrialPage,
    OldTextPage,
    VersionPages,
    LivePreviewPages,
    LayoutPages,
    PreviewPages,
    AttachmentPages,
):
    """Messages as they are written; what was launched is a version of its own."""

    form = EmlMessageForm
    change_form_template = "admin/massmail/emlmessage/change_form.html"
    change_list_template = "admin/massmail/emlmessage/change_list.html"
    empty_hint = _(
        "A message is what your recipients read. You begin with a simple text that is "
        "ready to be changed, and see it as one of them would get it."
    )
    list_display = ["picture", "subject", "owner", "updated_at", "created_at"]
    list_display_links = ["subject"]
    list_filter = [OWNER_FILTER, DepartmentFilter]
    list_select_related = ["owner"]
    search_fields = ["subject", "content", "text"]
    date_hierarchy = "created_at"
    inlines = [AttachmentInline]
    held_by = [(MailingOut, "message")]
    fieldsets = [
        (
            None,
            {"fields": ["subject", "preheader", "content", "text", "signature"]},
        ),
        (_("Belongs to"), {"fields": ["owner", "department"], "classes": ["collapse"]}),
    ]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Who may only look at it sees how it looks, and its source when he asks."""
        if obj is None or self.has_change_permission(request, obj):
            return list(super().get_fieldsets(request, obj))
        source = {"fields": ["content", "text"], "classes": ["collapse"]}
        return [
            (None, {"fields": ["subject", "preheader", "signature"]}),
            (_("As it is written"), source),
            *self.fieldsets[1:],
        ]

    @admin.display(description=_("Preview"))
    def picture(self, message: EmlMessage) -> str:
        return small_picture(self.admin_site, message, "preview_frame")

    def copy_of(self, obj: EmlMessage, by: Any) -> EmlMessage:
        return copy_message(obj, by=by)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A text to begin with, and the person's default signature."""
        initial = super().get_changeform_initial_data(request)
        initial.setdefault("content", starter_of(request))
        own = Signature.objects.filter(owner=request.user.pk, is_default=True)
        if default := own.first():
            initial.setdefault("signature", default.pk)
        return initial

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        message = kwargs.get("obj")
        if message is None or self.has_change_permission(request, message):
            context |= self.writing_help(request, message)
            context |= self.beside_the_text()
            if message is None:
                context |= self.layout_choice(request)
        if message is not None:
            context |= self.surroundings(request, message)
        return super().render_change_form(request, context, *args, **kwargs)

    def writing_help(
        self, request: HttpRequest, message: EmlMessage | None
    ) -> dict[str, Any]:
        """What the panel beside the text offers."""
        user: Any = request.user
        department = access_policy().departments(user).first()
        owned = message or EmlMessage(owner=user, department=department)
        return {
            "standard_variables": standard_variables(owned.owner),
            "recipients_variables": recipients_variables(user),
            "fallback_example": fallback_tag(GREETED_BY),
            "pictures": offered_pictures(owned, user, self.admin_site),
            "blocks": blocks(),
            "button_source": button_source(),
            **self.picture_urls(request),
        }

    def picture_urls(self, request: HttpRequest) -> dict[str, str]:
        """Where pictures are added: by a page, and from the text."""
        page = add_url_if_allowed(self.admin_site, request, LibraryImage)
        upload = upload_url(self.admin_site.name) if page else ""
        return {"add_picture_url": page, "upload_url": upload}

    def surroundings(self, request: HttpRequest, message: EmlMessage) -> dict[str, Any]:
        """The preview, and the mailings that the person may see."""
        mailings = self.mailings(request, message)
        came_from = self.mailing_to_go_back_to(request, message)
        return {
            "preview_url": self.preview_url(message, came_from),
            "frame_url": admin_url(self.admin_site, message, "preview_frame"),
            "test_url": self.test_url(message, came_from),
            "versions_url": admin_url(self.admin_site, message, "versions"),
            "copy_url": (
                admin_url(self.admin_site, message, "copy")
                if self.has_add_permission(request)
                else ""
            ),
            "files_in_words": files_in_words(message),
            "mailings": [
                (mailing, admin_url(self.admin_site, mailing), status_text(mailing))
                for mailing in mailings[:MAILINGS_SHOWN]
            ],
            "more_mailings": max(mailings.count() - MAILINGS_SHOWN, 0),
            "was_launched": mailings.exclude(version=None).exists(),
            "came_from": came_from,
        }

    def preview_url(self, message: EmlMessage, mailing: MailingOut | None) -> str:
        """The preview, from which the way back to the mailing is known."""
        query = {"mailing": mailing.pk} if mailing else {}
        return admin_url(self.admin_site, message, "preview", **query)

    def test_url(self, message: EmlMessage, mailing: MailingOut | None) -> str:
        query = {"mailing": mailing.pk} if mailing else {}
        return admin_url(self.admin_site, message, "test", **query)

    def mailings(self, request: HttpRequest, message: EmlMessage) -> Any:
        rows = MailingOut.objects.filter(message=message).order_by("-created_at")
        if not request.user.has_perm("massmail.view_mailingout"):
            return rows.none()
        return access_policy().visible(request.user, rows)

    def mailing_to_go_back_to(
        self, request: HttpRequest, message: EmlMessage
    ) -> MailingOut | None:
        """The mailing for which this message is being written."""
        asked = request.GET.get("mailing", "")
        if not asked.isdecimal():
            return None
        return self.mailings(request, message).filter(pk=asked).first()

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        response = super().response_add(request, obj, post_url_continue)
        return self.where_to_go_on(request, obj) or response

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        response = super().response_change(request, obj)
        return self.where_to_go_on(request, obj) or response

    def where_to_go_on(
        self, request: HttpRequest, message: EmlMessage
    ) -> HttpResponseRedirect | None:
        mailing = self.mailing_to_go_back_to(request, message)
        is_outdated = self.has_outdated_mailings(request, message)
        url = admin_url(self.admin_site, message, "waiting") if is_outdated else ""
        if "_preview" in request.POST:
            if url:
                messages.warning(request, still_waiting(url))
            return HttpResponseRedirect(self.preview_url(message, mailing))
        if url:
            return HttpResponseRedirect(url)
        if mailing and "_save" in request.POST:
            return HttpResponseRedirect(admin_url(self.admin_site, mailing))
        return None

    def has_outdated_mailings(self, request: HttpRequest, message: EmlMessage) -> bool:
        """A message whose file is lost was saved, but cannot be compared or sent."""
        try:
            return any(outdated_mailings(message, by=request.user))
        except FileNotFoundError:
            messages.warning(request, FILE_MISSING)
            return False


def still_waiting(url: str) -> str:
    """What is asked at each save, for who looks at the preview first."""
    return format_html(
        '{} <a href="{}">{}</a>',
        _("A mailing with the text of before is on its way."),
        url,
        _("Also for the recipients still waiting?"),
    )
