"""Layouts to begin a message with: chosen by their looks on the page that adds one."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_safe

from massmail.content.starter import LAYOUTS, layout_named, starter_html
from massmail.forms.template_checks import known_variables
from massmail.models import EmlMessage, MassmailSettings
from massmail.orchestrator.preview_recipients import extreme_recipient
from massmail.orchestrator.previewing import preview
from massmail.recipients.registry import sources
from massmail.recipients.source import Recipient
from massmail.site.previews import framed

FRAME = "massmail_emlmessage_layout"


class LayoutPages(ModelAdmin):
    """Mixin: `layout/` shows one, the page to add a message offers all."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_safe(self.layout_view))
        return [path("layout/", view, name=FRAME), *super().get_urls()]

    def layout_view(self, request: HttpRequest) -> HttpResponse:
        """The layout as it would arrive, for a small picture of it."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        user: Any = request.user
        content = starter_named(request.GET.get("name", ""))
        message = EmlMessage(owner=user, subject="-", content=content)
        recipient = Recipient("", "name@example.com")
        if source := next(iter(sources()), None):
            recipient = extreme_recipient(source, user, longest=False)
        return framed(preview(message, None, recipient, None).html, "light")

    def layout_choice(self, request: HttpRequest) -> dict[str, Any]:
        """Links to this very page with another text to begin with."""
        asked = request.GET.get("layout", "")
        current = layout_named(asked)
        query = request.GET.copy()
        query.pop("layout", None)
        return {
            "is_layout_chosen": bool(asked) or request.method == "POST",
            "layouts": [
                {
                    "title": layout.title,
                    "url": f"?{urlencode([*query.items(), ('layout', layout.name)])}",
                    "frame": self.layout_url(layout.name),
                    "is_current": layout is current,
                }
                for layout in LAYOUTS
            ],
        }

    def layout_url(self, name: str) -> str:
        site = self.admin_site.name
        address = reverse(f"admin:{FRAME}", current_app=site)
        return f"{address}?{urlencode({'name': name})}"


def starter_of(request: HttpRequest) -> str:
    return starter_named(request.GET.get("layout", ""))


def starter_named(name: str) -> str:
    return starter_html(
        company_name=MassmailSettings.load().company_name,
        variables=known_variables(),
        layout=layout_named(name),
    )
