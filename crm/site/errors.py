"""What a colleague reads when a page cannot be shown."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views import defaults

from massmail.views import errors as recipients_errors

TEMPLATE = "crm/error.html"


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not admin.site.has_permission(request):
        return defaults.page_not_found(request, exception)
    return page(
        request,
        404,
        _("Page not found"),
        _("The page does not exist, or what it showed has been deleted."),
    )


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not admin.site.has_permission(request):
        return defaults.permission_denied(request, exception)
    return page(
        request,
        403,
        _("Not yours to open"),
        _("Your rights do not cover this page. A superuser can change that."),
    )


def stale_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF check: mostly a page from before somebody logged in anew."""
    return page(
        request,
        403,
        _("The page was too old"),
        _(
            "Nothing was changed: you have logged in again since the page was opened, "
            "or the browser refuses cookies. Go back, reload the page and repeat."
        ),
    )


def locked_out(
    request: HttpRequest, response: HttpResponse | None, credentials: Any
) -> HttpResponse:
    return page(
        request,
        429,
        _("Too many attempts to log in"),
        _("Wait an hour, or ask a superuser for a new password."),
    )


def broken(request: HttpRequest) -> HttpResponseBase:
    """Needs nothing that may be broken: no user, no database.

    Recipients get their own pages' words and headers.
    """
    match = request.resolver_match
    if match and match.namespace == "massmail_public":
        return recipients_errors.broken(request)
    context = {
        "title": _("Something went wrong"),
        "words": _(
            "Nothing that was saved before is lost. The error has been recorded; try "
            "again in a minute."
        ),
        "is_popup": True,
    }
    return HttpResponse(render_to_string(TEMPLATE, context), status=500)


def page(request: HttpRequest, status: int, title: str, words: str) -> HttpResponse:
    """In the look of the site, with its navigation for who is logged in."""
    context = {**admin.site.each_context(request), "title": title, "words": words}
    body = render_to_string(TEMPLATE, context, request)
    return HttpResponse(body, status=status)
