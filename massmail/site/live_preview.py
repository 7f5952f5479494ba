"""The preview beside the text: what a form says, compiled and forgotten."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from massmail.forms.uploads import MAX_MESSAGE_BYTES
from massmail.models import EmlMessage
from massmail.orchestrator.previewing import Preview, preview
from massmail.recipients.registry import sources
from massmail.site.preview_choice import PreviewChoice
from massmail.site.previews import framed, preview_context
from massmail.site.variables import type_name

FACTS = "admin/massmail/emlmessage/live_facts.html"
NAME = "massmail_emlmessage_live"


class LivePreviewPages(ModelAdmin):
    """Mixin: `live/` tells about an unsaved message, `live/frame/` shows it.

    Both are asked by POST, since a message is too long for an address, and for the
    token against forgery: a stranger's page must not make this one compile. They
    change nothing.
    """

    def get_urls(self) -> list[URLPattern]:
        views = {"live/": self.live_facts_view, "live/frame/": self.live_frame_view}
        names = {"live/": NAME, "live/frame/": f"{NAME}_frame"}
        own = [
            path(
                route, self.admin_site.admin_view(require_POST(view)), name=names[route]
            )
            for route, view in views.items()
        ]
        return [*own, *super().get_urls()]

    def beside_the_text(self) -> dict[str, Any]:
        """What the panel of the page needs."""
        return {
            "live_urls": self.live_urls(),
            "recipient_types": recipient_types(),
            "most_bytes": MAX_MESSAGE_BYTES,
        }

    def live_urls(self) -> dict[str, str]:
        site = self.admin_site.name
        return {
            "facts": reverse(f"admin:{NAME}", current_app=site),
            "frame": reverse(f"admin:{NAME}_frame", current_app=site),
        }

    def written_message(self, request: HttpRequest) -> EmlMessage:
        """The message as the form has it; the row itself is left alone.

        The page's own form decides what may be chosen, a signature for example.
        """
        stored = self.stored_message(request)
        form_class = self.get_form(request, stored, change=stored is not None)
        form = form_class(request.POST, instance=stored)
        form.full_clean()
        # What a person types next mends it; until then it is shown as it is.
        for name in ("subject", "preheader", "content", "text"):
            if name in request.POST:
                setattr(form.instance, name, request.POST[name].replace("\0", ""))
        return form.instance

    def stored_message(self, request: HttpRequest) -> EmlMessage | None:
        """The message that is being changed; None for a new one."""
        pk = request.POST.get("message", "")
        if not pk:
            if not self.has_add_permission(request):
                raise PermissionDenied
            return None
        message = self.get_object(request, unquote(pk))
        if message is None or not self.has_change_permission(request, message):
            raise Http404
        return message

    def live_preview(self, request: HttpRequest) -> tuple[PreviewChoice, Preview]:
        message = self.written_message(request)
        choice = PreviewChoice(request.POST, request.user, message)
        shown = preview(message, choice.source, choice.recipient, message.owner)
        return choice, shown

    def live_facts_view(self, request: HttpRequest) -> HttpResponse:
        choice, shown = self.live_preview(request)
        context: dict[str, Any] = {
            **preview_context(shown),
            "choice": choice,
        }
        return TemplateResponse(request, FACTS, context)

    def live_frame_view(self, request: HttpRequest) -> HttpResponse:
        choice, shown = self.live_preview(request)
        return framed(shown.html, choice.scheme, has_images=choice.has_images)


def recipient_types() -> list[tuple[str, str]]:
    return [(source.label, type_name(source)) for source in sources()]
