"""The page behind the unsubscribe link, and RFC 8058's one-click POST."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_safe
from django.views.generic import View

from common.utils.helpers import mask_address
from massmail import tokens
from massmail.models import MassmailSettings
from massmail.orchestrator.confirming import ask_to_confirm
from massmail.tracking.leaving_reasons import LeavingReason, reason_text
from massmail.tracking.links import ascii_host
from massmail.tracking.list_scope import (
    has_left,
    lists_of,
    names_of,
    unsubscribe_from_lists,
)
from massmail.tracking.responses import (
    Responder,
    forbid_tracking,
    responder,
    unsubscribe,
)
from massmail.views.limits import SECONDS, is_pressed_too_often
from massmail.views.posted import posted_fields
from massmail.views.public import public_page, render_public

# The page's own field; mail scanners that post forms without values do not have it.
FIELD = "confirm"
CONFIRMATION = (FIELD, "unsubscribe")
COME_BACK = (FIELD, "subscribe")
NO_TRACKING = (FIELD, "no-tracking")
ONE_CLICK = ("List-Unsubscribe", "One-Click")  # RFC 8058 §3.1

# What is left, or wanted again; all mailings where it is not said.
ONLY_LISTS = ("scope", "lists")
ALL_MAILINGS = ("scope", "all")

LEFT, LEFT_LISTS, UNTRACKED, ASKED = "", "lists", "untracked", "asked"
OUTCOMES = (LEFT, LEFT_LISTS, UNTRACKED, ASKED)


@method_decorator(public_page, name="dispatch")
class UnsubscribeView(View):
    """Reading changes nothing; only a POST with a known field does.

    A wrong token gets the same answers as a right one: the pages tell a stranger
    nothing about an address.

    Only the page knows of target lists. A provider's one-click button (RFC 8058) leaves
    all mailings: who presses it sees the company's name and no list's, List-Id names a
    mailing and not a list, and who was unsubscribed from too much comes back by a mail,
    while who was unsubscribed from too little reports spam.
    """

    http_method_names = ["get", "head", "post", "options"]

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        person = person_of(token)
        site = MassmailSettings.load()
        lists = lists_of(person.delivery) if person else []
        return render_public(
            "unsubscribe",
            request,
            language=person.language if person else "",
            masked_address=masked_address(person),
            has_left=bool(person and person.has_opted_out),
            list_names=names_of(lists),
            has_left_lists=bool(person and has_left(person, lists)),
            scopes={"lists": ONLY_LISTS, "all": ALL_MAILINGS},
            fields={"leave": CONFIRMATION, "return": COME_BACK, "hide": NO_TRACKING},
            is_tracked=site.track_opens or site.track_clicks,
            reasons=LeavingReason.choices,
        )

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        fields = posted_fields(request)
        if has(fields, ONE_CLICK):
            opt_out(token)
            return HttpResponse("Unsubscribed.\n", content_type="text/plain")
        if is_pressed_too_often(token):
            return too_often()
        if has(fields, CONFIRMATION):
            leave = leave_lists if has(fields, ONLY_LISTS) else opt_out
            return see_other(after_unsubscribing(*leave(token, reason_text(fields))))
        if has(fields, NO_TRACKING):
            return see_other(done_url(forbid(token), UNTRACKED))
        if has(fields, COME_BACK):
            person = come_back(token, only_lists=has(fields, ONLY_LISTS))
            return see_other(done_url(person, ASKED))
        return HttpResponse("Bad request.\n", status=400, content_type="text/plain")


@public_page
@require_safe
def done(request: HttpRequest) -> HttpResponse:
    """Where people end; nothing in the address tells who came."""
    outcome = request.GET.get("done", LEFT)
    return render_public(
        "done",
        request,
        language=request.GET.get("language", ""),
        outcome=outcome if outcome in OUTCOMES else LEFT,
    )


def person_of(token: str) -> Responder | None:
    try:
        return responder(token)
    except tokens.InvalidToken:
        return None


def masked_address(person: Responder | None) -> str:
    """The address as its owner recognises it; "" when it is not known."""
    address = person.address if person else ""
    return mask_address(address) if address else ""


def opt_out(token: str, detail: str = "") -> tuple[Responder | None, str]:
    """(who left, if the token says, and what the next page tells)."""
    try:
        return unsubscribe(token, now=timezone.now(), detail=detail), LEFT
    except tokens.InvalidToken:
        return None, LEFT


def leave_lists(token: str, detail: str) -> tuple[Responder | None, str]:
    """The same for the lists of the mailing alone."""
    try:
        person, is_some = unsubscribe_from_lists(
            token, now=timezone.now(), detail=detail
        )
    except tokens.InvalidToken:
        return None, LEFT_LISTS
    return person, LEFT_LISTS if is_some else LEFT


def forbid(token: str) -> Responder | None:
    person = person_of(token)
    if person:
        forbid_tracking(person)
    return person


def come_back(token: str, *, only_lists: bool) -> Responder | None:
    """By a mail to the address alone: anybody may hold a forwarded link."""
    person = person_of(token)
    if person is None:
        return None
    if only_lists:
        only_lists = has_left(person, lists_of(person.delivery))
    if only_lists or person.has_opted_out:
        ask_to_confirm(person, now=timezone.now(), only_lists=only_lists)
    return person


def has(fields: QueryDict, field: tuple[str, str]) -> bool:
    name, value = field
    return (fields.get(name) or "").strip() == value


def after_unsubscribing(person: Responder | None, outcome: str) -> str:
    """The company's page; nothing in it tells who came."""
    url = MassmailSettings.load().unsubscribe_redirect_url
    return ascii_host(url) if url else done_url(person, outcome)


def done_url(person: Responder | None, outcome: str) -> str:
    query = {"done": outcome, "language": person.language if person else ""}
    given = urlencode({name: value for name, value in query.items() if value})
    url = reverse("massmail_public:unsubscribed")
    return f"{url}?{given}" if given else url


def too_often() -> HttpResponse:
    return HttpResponse(
        "Too many requests. Try again in a minute.\n",
        status=429,
        content_type="text/plain",
        headers={"Retry-After": str(SECONDS)},
    )


def see_other(url: str) -> HttpResponseRedirect:
    """303: whatever the method was, the target is fetched by GET (RFC 9110 §15.4.4)."""
    return HttpResponseRedirect(url, status=303)
