"""The preview beside the text of a message."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from massmail.forms.uploads import MAX_MESSAGE_BYTES
from massmail.orchestrator.previewing import Preview, preview
from massmail.recipients.registry import sources
from massmail.site.preview_choice import PreviewChoice
from massmail.site.previews import framed, preview_context
from massmail.site.unsaved import UnsavedPages
from massmail.site.variables import type_name

FACTS = "admin/massmail/emlmessage/live_facts.html"


class LivePreviewPages(UnsavedPages):
    """Mixin: an unsaved message as a chosen recipient would get it."""

    written_fields = ("subject", "preheader", "content", "text")

    def beside_the_text(self) -> dict[str, Any]:
        """What the panel of the page needs."""
        return {
            "live_urls": self.live_urls(),
            "recipient_types": recipient_types(),
            "most_bytes": MAX_MESSAGE_BYTES,
        }

    def live_preview(self, request: HttpRequest) -> tuple[PreviewChoice, Preview]:
        message = self.unsaved(request)
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
