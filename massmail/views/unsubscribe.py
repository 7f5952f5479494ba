"""The page behind the unsubscribe link, and RFC 8058's one-click POST."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.http.multipartparser import MultiPartParserError
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from django.views.generic import View

from common.utils.helpers import mask_address
from massmail import tokens
from massmail.models import MassmailSettings
from massmail.tracking.responses import responder, unsubscribe
from massmail.views.public import public_page, render_public

# The page's own field; mail scanners that post forms without values do not have it.
CONFIRMATION = ("confirm", "unsubscribe")
ONE_CLICK = ("List-Unsubscribe", "One-Click")  # RFC 8058 §3.1


# No CSRF token: the secret in the path is the proof, a mail provider's one-click POST
# (RFC 8058) cannot have another one, and pages for recipients set no cookie.
@method_decorator([csrf_exempt, public_page], name="dispatch")
class UnsubscribeView(View):
    """Reading changes nothing; only a POST with a known field opts out.

    A wrong token gets the same answers as a right one: the pages tell a stranger
    nothing about an address.
    """

    http_method_names = ["get", "head", "post", "options"]

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return render_public(
            "unsubscribe",
            MassmailSettings.load(),
            masked_address=masked_address(token),
            confirmation=CONFIRMATION,
        )

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        fields = posted_fields(request)
        if has(fields, ONE_CLICK):
            opt_out(token)
            return HttpResponse("Unsubscribed.\n", content_type="text/plain")
        if has(fields, CONFIRMATION):
            opt_out(token)
            return see_other(after_unsubscribing())
        return HttpResponse("Bad request.\n", status=400, content_type="text/plain")


@public_page
@require_safe
def done(request: HttpRequest) -> HttpResponse:
    """Where people end whose company has no page of its own for this."""
    return render_public("unsubscribed", MassmailSettings.load())


def masked_address(token: str) -> str:
    """The address as its owner recognises it; "" when it is not known."""
    try:
        address = responder(token).address
    except tokens.InvalidToken:
        return ""
    return mask_address(address) if address else ""


def opt_out(token: str) -> None:
    try:
        unsubscribe(token, now=timezone.now())
    except tokens.InvalidToken:
        return


def posted_fields(request: HttpRequest) -> QueryDict:
    """The fields of either encoding; none when the body cannot be read."""
    try:
        return request.POST
    except (MultiPartParserError, BadRequest, SuspiciousOperation):
        return QueryDict()


def has(fields: QueryDict, field: tuple[str, str]) -> bool:
    name, value = field
    return fields.get(name) == value


def after_unsubscribing() -> str:
    """The company's page; nothing in it tells who came."""
    url: Any = MassmailSettings.load().unsubscribe_redirect_url
    return url or reverse("massmail_public:unsubscribed")


def see_other(url: str) -> HttpResponseRedirect:
    """303: whatever the method was, the target is fetched by GET (RFC 9110 §15.4.4)."""
    return HttpResponseRedirect(url, status=303)
