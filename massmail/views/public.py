"""What all pages for recipients share: nobody is logged in, nothing is kept."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string

from massmail.models import MassmailSettings

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

    The path holds the token, so no cache may keep it and no referrer pass it on.
    """

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Content-Security-Policy", policy())
        return response

    return wrapped


def policy(*, style_nonce: str = "", form_targets: str = "'none'") -> str:
    """A Content-Security-Policy that allows one style sheet and no script."""
    style = f"'nonce-{style_nonce}'" if style_nonce else "'none'"
    return (
        f"default-src 'none'; style-src {style}; form-action {form_targets}; "
        "base-uri 'none'; frame-ancestors 'none'"
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
    template: str, site: MassmailSettings, **context: Any
) -> HttpResponse:
    """A whole page of `massmail/public/`.

    Rendered without the request: no context processor may touch the session, which
    would set a cookie or vary the page on one.
    """
    nonce = secrets.token_urlsafe(16)
    page = {"company_name": site.company_name, "style_nonce": nonce}
    response = HttpResponse(
        render_to_string(f"massmail/public/{template}.html", page | context)
    )
    response.headers["Content-Security-Policy"] = policy(
        style_nonce=nonce, form_targets=form_targets(site.unsubscribe_redirect_url)
    )
    return response
