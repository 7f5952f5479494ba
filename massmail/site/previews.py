"""Preview pages of messages and of their frozen versions."""

from __future__ import annotations

import re
from typing import Any

from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import unquote
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import escape
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from massmail.models import EmailAccount, EmlMessage, MessageVersion
from massmail.orchestrator.previewing import Preview, preview
from massmail.recipients.registry import sources
from massmail.site.links import add_url_if_allowed, admin_url
from massmail.site.preview_choice import PreviewChoice
from massmail.site.variables import type_name

TEMPLATE = "admin/massmail/preview.html"
# The frame is a stranger on this site: it runs nothing, asks for nothing and has no
# origin, whatever a message holds. Its styles are the message's own.
FRAME_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox"
    ),
    "X-Frame-Options": "SAMEORIGIN",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
COLOR_SCHEME_QUERY = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(light|dark)\s*\)")
COLOR_SCHEME_META = re.compile(
    r'(<meta name="(?:supported-)?color-schemes?" content=")light dark"'
)
PICTURE_ADDRESS = re.compile(
    r"""(<(?:img|table|tr|td|th)\b[^>]*?)\s(?:src|background)="[^"]*\""""
)
BACKGROUND_PICTURE = re.compile(r"""url\([^)]*\)""")
REMOTE_PICTURE = re.compile(r"""(?:src|background)="https:|url\(["']?https:""")


class PreviewPages(ModelAdmin):
    """Mixin: an object's page `preview/`, and the frame inside it."""

    def previewed_or_404(self, request: HttpRequest, object_id: str) -> Any:
        obj = self.get_object(request, unquote(object_id))
        if obj is None or not self.has_view_permission(request, obj):
            raise Http404
        return obj

    def get_urls(self) -> list[URLPattern]:
        name = f"massmail_{self.opts.model_name}_preview"
        views = {"preview/": self.preview_view, "preview/frame/": self.frame_view}
        names = {"preview/": name, "preview/frame/": f"{name}_frame"}
        own = [
            path(
                f"<path:object_id>/{route}",
                self.admin_site.admin_view(require_safe(view)),
                name=names[route],
            )
            for route, view in views.items()
        ]
        return [*own, *super().get_urls()]

    def preview_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        obj = self.previewed_or_404(request, object_id)
        choice = PreviewChoice(request.GET, request.user, obj)
        context = {
            **self.admin_site.each_context(request),
            **choice_context(choice),
            **preview_context(shown_preview(obj, choice)),
            "title": _("Preview"),
            "subtitle": None,
            "opts": self.opts,
            "original": obj,
            "is_version": isinstance(obj, MessageVersion),
            **self.ways_back(request, obj),
            "can_change": self.has_change_permission(request, obj),
            "add_account_url": add_url_if_allowed(
                self.admin_site, request, EmailAccount
            ),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, TEMPLATE, context)

    def mailing_to_go_back_to(self, request: HttpRequest, obj: Any) -> Any:
        """Hook: the mailing from which the person came, if any."""
        return None

    def ways_back(self, request: HttpRequest, obj: Any) -> dict[str, str]:
        """To the previewed object, and to the mailing that it is for."""
        mailing = self.mailing_to_go_back_to(request, obj)
        if mailing is None:
            return {"back_url": admin_url(self.admin_site, obj), "mailing_url": ""}
        return {
            "back_url": admin_url(self.admin_site, obj, mailing=mailing.pk),
            "mailing_url": admin_url(self.admin_site, mailing),
        }

    def frame_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The HTML part alone, as the recipient's mail program would get it."""
        obj = self.previewed_or_404(request, object_id)
        choice = PreviewChoice(request.GET, request.user, obj)
        shown = shown_preview(obj, choice)
        return framed(shown.html, choice.scheme, has_images=choice.has_images)


def shown_preview(obj: EmlMessage | MessageVersion, choice: PreviewChoice) -> Preview:
    message = obj.message if isinstance(obj, MessageVersion) else obj
    owner = message.owner if message else None
    return preview(obj, choice.source, choice.recipient, owner)


def framed(html: str, scheme: str, *, has_images: bool = True) -> HttpResponse:
    """A document for a sandboxed frame, in the colours of a light or dark reader."""
    if not has_images:
        html = without_images(html)
    if not html:
        text = escape(_("There is no HTML to be shown."))
        html = f"<!DOCTYPE html><html><head></head><body><p>{text}</p></body></html>"
    # Links open nothing here: a sandbox without pop-ups ignores them.
    html = html.replace("<head>", '<head><base target="_blank">', 1)
    return HttpResponse(in_colours(html, scheme), headers=FRAME_HEADERS)


def without_images(html: str) -> str:
    """As mail programs show it that load no pictures: with their descriptions."""
    html = PICTURE_ADDRESS.sub(r"\1", html)
    return BACKGROUND_PICTURE.sub("none", html)


def in_colours(html: str, scheme: str) -> str:
    """Asks for the reader's colours are answered here, not by the browser."""

    def answer(query: re.Match[str]) -> str:
        return "(min-width: 0)" if query[1] == scheme else "(max-width: 0)"

    html = COLOR_SCHEME_QUERY.sub(answer, html)
    return COLOR_SCHEME_META.sub(rf'\g<1>{scheme}"', html)


def choice_context(choice: PreviewChoice) -> dict[str, Any]:
    """The form and the switches of the page."""
    widths = [("desktop", _("Desktop")), ("phone", _("Phone"))]
    schemes = [("light", _("Light")), ("dark", _("Dark"))]
    images = [("on", _("Pictures")), ("off", _("No pictures"))]
    return {
        "choice": choice,
        "types": [(source.label, type_name(source)) for source in sources()],
        "frame_query": choice.query(q="", width="", mailing=""),
        "width_links": links(choice, "width", widths),
        "scheme_links": links(choice, "scheme", schemes),
        "images_links": links(choice, "images", images),
    }


def links(
    choice: PreviewChoice, name: str, values: list[tuple[str, str]]
) -> list[dict[str, Any]]:
    """The same preview with another width or other colours."""
    return [
        {
            "label": label,
            "value": value,
            "query": choice.query(**{name: value}),
            "is_current": getattr(choice, name) == value,
        }
        for value, label in values
    ]


def preview_context(shown: Preview) -> dict[str, Any]:
    return {
        "preview": shown,
        "problem_field": field_name(shown),
        "blocking": [f for f in shown.findings if f.level == "blocking"],
        "warnings": [f for f in shown.findings if f.level == "warning"],
        "has_remote_pictures": bool(REMOTE_PICTURE.search(shown.html)),
    }


def field_name(shown: Preview) -> str:
    """Of the part that the problem is in, as its form calls it."""
    if shown.problem is None or not shown.problem.field:
        return ""
    field: Any = EmlMessage._meta.get_field(shown.problem.field)
    return str(field.verbose_name)
