"""What all pages for recipients share: nobody is logged in, nothing is kept."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from django.utils import translation

from massmail.models import MassmailSettings
from massmail.patience import reconnecting
from massmail.views.look import look_of

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
}

View = Callable[..., HttpResponseBase]


def public_page(view: View) -> View:
    """Decorator: the headers of a page that is nobody's business but the reader's.

    The path holds the token, so no cache may keep it and no referrer pass it on. No
    CSRF token: the secret in the path is the proof, a mail provider's one-click POST
    (RFC 8058) cannot have another one, and pages for recipients set no cookie.

    All of these views may be repeated, and are where the database was restarted.
    """

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = reconnecting(lambda: view(request, *args, **kwargs))
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Content-Security-Policy", policy())
        return response

    wrapped.csrf_exempt = True  # type: ignore[attr-defined]
    # Where Django's LoginRequiredMiddleware keeps strangers out of everything else.
    wrapped.login_required = False  # type: ignore[attr-defined]
    return wrapped


def policy(
    *, style_nonce: str = "", form_targets: str = "'none'", pictures: str = "'none'"
) -> str:
    """A Content-Security-Policy that allows one style sheet and no script."""
    style = f"'nonce-{style_nonce}'" if style_nonce else "'none'"
    return (
        f"default-src 'none'; style-src {style}; img-src {pictures}; "
        f"form-action {form_targets}; base-uri 'none'; frame-ancestors 'none'"
    )


def form_targets(redirect_url: str) -> str:
    """Where a form of ours may lead to.

    Chromium applies form-action to each redirect after the POST, and the company's
    page may redirect to its www name or its language.
    """
    parts = urlsplit(redirect_url)
    if parts.scheme == "http":
        return f"'self' https: http://{parts.netloc}"
    return "'self' https:" if parts.scheme else "'self'"


def render_public(
    template: str,
    request: HttpRequest,
    *,
    status: int = 200,
    language: str = "",
    site: MassmailSettings | None = None,
    **context: Any,
) -> HttpResponse:
    """A whole page of `massmail/public/`, in the recipient's language if it is known.

    Rendered without the request: no context processor may touch the session, which
    would set a cookie or vary the page on one. `site` is for who cannot load it.
    """
    site = site or MassmailSettings.load()
    look = look_of(site)
    nonce = secrets.token_urlsafe(16)
    page = {"site": site, "look": look, "style_nonce": nonce}
    with translation.override(language_of(request, language)):
        response = HttpResponse(
            render_to_string(f"massmail/public/{template}.html", page | context),
            status=status,
        )
        response.headers["Content-Language"] = translation.get_language()
    response.headers["Content-Security-Policy"] = policy(
        style_nonce=nonce,
        form_targets=form_targets(site.unsubscribe_redirect_url),
        pictures="data:" if look.logo else "'none'",
    )
    return response


def language_of(request: HttpRequest, wanted: str) -> str:
    """The recipient's own language, otherwise what the browser asks for."""
    try:
        return translation.get_supported_language_variant(wanted.replace("_", "-"))
    except LookupError:
        return translation.get_language_from_request(request)
