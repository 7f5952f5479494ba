"""Pixels and links: each request appends one row, and changes nothing else."""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Callable

from django.db import Error, close_old_connections
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.views.decorators.http import require_safe

from massmail.models import NamedLink, TrackedLink
from massmail.tracking.hits import note
from massmail.tracking.links import ascii_host, target_of
from massmail.tracking.public_links import CLICK, OPEN
from massmail.views.public import public_page, render_public

logger = logging.getLogger(__name__)

# A message's texts are tens of kilobytes that no click needs.
NEEDED = (
    "url",
    "version__utm",
    *(f"named_link__{name}" for name in ("name", "action", "url", "message")),
)
WORD = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


class PixelResponse(HttpResponse):
    """The picture goes out first: who reads mail does not wait for a database."""

    def __init__(self, after: Callable[[], object]) -> None:
        super().__init__(PIXEL, content_type="image/gif")
        self.headers["Content-Length"] = str(len(PIXEL))
        self._after = after

    def close(self) -> None:
        """Called by the server when all is sent."""
        self._after()
        super().close()


@public_page
@require_safe
def pixel(request: HttpRequest, token: str) -> HttpResponse:
    """Always the same picture, whatever the token."""
    return PixelResponse(lambda: note_quietly(request, OPEN, token))


@public_page
@require_safe
def click(request: HttpRequest, code: str, token: str) -> HttpResponse:
    """Leads where the message did at its launch; a foreign token is not noted."""
    links = TrackedLink.objects.select_related("version", "named_link")
    link = links.only(*NEEDED).order_by().filter(code=code).first()
    if link is None:
        return render_public("gone", request, status=404)
    note_quietly(request, CLICK, token, link_id=link.pk)
    url, named = target_of(link), link.named_link
    return words_of(request, named) if named and not url else redirect(url)


@public_page
@require_safe
def named_link(request: HttpRequest, slug: str) -> HttpResponse:
    """The address of a named link by itself: nobody is known, nothing noted."""
    # As typed from paper, or with the dot that ends a sentence.
    word = WORD.match(slug.lower())
    link = NamedLink.objects.filter(slug=word[0]).first() if word else None
    if link is None:
        return render_public("gone", request, status=404)
    if link.action == NamedLink.Action.REDIRECT:
        return redirect(link.url)
    return words_of(request, link)


def redirect(url: str) -> HttpResponse:
    return HttpResponseRedirect(url if url.isascii() else ascii_host(url))


def words_of(request: HttpRequest, link: NamedLink) -> HttpResponse:
    return render_public("named_link", request, link=link)


def note_quietly(
    request: HttpRequest, page: str, token: str, link_id: int | None = None
) -> None:
    """A reader's way must not end at what we would like to know."""
    try:
        note(
            page,
            token,
            method=request.method or "",
            user_agent=request.headers.get("User-Agent", ""),
            now=timezone.now(),
            link_id=link_id,
        )
    # Also InterfaceError, which is no DatabaseError: the connection was lost before.
    except Error:
        logger.exception("An open or a click was not noted")
        close_old_connections()
