"""What a recipient reads when a page cannot be shown: nothing of the CRM behind it.

Handlers for the urlconf of the recipients' pages.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from massmail.models import MassmailSettings
from massmail.views.public import public_page, render_public


@public_page
def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render_public("gone", request, status=404)


@public_page
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return HttpResponse("Bad request.\n", status=400, content_type="text/plain")


@public_page
def broken(request: HttpRequest) -> HttpResponse:
    """Asks no database: that may be what is broken."""
    return render_public("broken", request, status=500, site=MassmailSettings())
