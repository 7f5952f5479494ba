"""A mail in the browser, for the person who got it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from massmail.orchestrator.browser_copy import browser_copy
from massmail.views.public import public_page, render_public

# The mail is its author's: its styles stand in it, its pictures may be anywhere; a
# sandbox without scripts and forms, from which links lead out.
POLICY = (
    "default-src 'none'; img-src data: https:; style-src 'unsafe-inline'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox "
    "allow-top-navigation-by-user-activation"
)


@public_page
@require_safe
def view_in_browser(request: HttpRequest, token: str) -> HttpResponse:
    """A link that is too old or forged gets a page that says it is no more."""
    copy = browser_copy(token, now=timezone.now())
    if copy is None:
        return render_public("gone", request, status=404)
    if not copy.html:
        return render_public("text_copy", request, copy=copy)
    response = HttpResponse(copy.html)
    response.headers["Content-Security-Policy"] = POLICY
    return response
