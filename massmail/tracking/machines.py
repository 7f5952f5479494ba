"""Who opened a mail or followed a link: a person, or a machine on the way?

Pure: facts in, judgements out, so that stored events can be judged anew. In doubt a
machine: what counts as a person's may be acted upon.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

# Filters at the border open what they let through, mostly at once.
SCAN_SECONDS = 15.0
# So many different links within so short a time are not read by anybody.
MANY_LINKS = 3
MANY_LINKS_SECONDS = 10.0
# What else the same program did so near to a burst belongs to it.
BURST_SECONDS = 60.0

# CUBOT and ScanPal are telephones, Avast has a browser.
SCANNERS = re.compile(
    r"(?<!cu)bot\b|bot/|crawl|spider|slurp|scan(?!pal)|preview|fetch|monitor|validator"
    r"|headless|image ?proxy|imageresizer"
    r"|barracuda|mimecast|proofpoint|ironport|fireeye|trend ?micro|symantec|messagelabs"
    r"|sophos|forcepoint|zscaler|cloudmark|fortinet|fortigate|avast!|avast antivirus"
    r"|kaspersky|bitdefender"
    r"|safelinks|bingpreview|microsoft office protocol|skypeuripreview|slackbot"
    r"|facebookexternalhit|whatsapp|yahoomailproxy|ymailproxy"
    r"|python|\bcurl|\bwget|\blibwww|\bjava/|go-http|okhttp|axios|node-fetch|node\.js"
    r"|\bruby\b|\bphp\b|\bperl\b|httpclient|phantomjs|playwright|puppeteer|selenium",
    re.IGNORECASE,
)
# Pictures are fetched with these words alone by Apple's Mail Privacy Protection.
APPLE_PRIVACY = "Mozilla/5.0"
# The second fetches a picture before anybody reads the mail.
GOOGLE_PROXIES = ("GoogleImageProxy", "Edge/12.246 Mozilla/5.0")


class Sign(TextChoices):
    """What gives a machine away; "" stands for a person."""

    HEAD = "head", _("asked for the head only")
    NO_NAME = "no_name", _("a program without a name")
    SCANNER = "scanner", _("a known scanner or library")
    APPLE = "apple", _("Apple’s privacy protection")
    GOOGLE = "google", _("Google’s picture proxy")
    AT_ONCE = "at_once", _("seconds after the sending")
    MANY_LINKS = "many_links", _("many links at once")


@dataclass(frozen=True, slots=True)
class Request:
    """What is known of an open (`link_id` None) or a click."""

    occurred_at: dt.datetime
    method: str
    user_agent: str
    link_id: int | None = None


def signs(
    requests: Sequence[Request], *, handed_over_at: dt.datetime | None
) -> list[str]:
    """A judgement for each of all requests of one delivery."""
    bursts = bursts_in(requests)
    return [
        sign_of_program(request)
        or sign_of_time(request, handed_over_at)
        or sign_of_burst(request, bursts)
        for request in requests
    ]


def sign_of_program(request: Request) -> str:
    program = request.user_agent.strip()
    if request.method == "HEAD":
        return Sign.HEAD
    if not program:
        return Sign.NO_NAME
    if program == APPLE_PRIVACY:
        return Sign.APPLE
    if any(proxy in program for proxy in GOOGLE_PROXIES):
        return Sign.GOOGLE
    return Sign.SCANNER if SCANNERS.search(program) else ""


def sign_of_time(request: Request, handed_over_at: dt.datetime | None) -> str:
    """Nobody reads a mail before it is there; nor within a few seconds."""
    if handed_over_at is None:
        return ""
    age = (request.occurred_at - handed_over_at).total_seconds()
    return Sign.AT_ONCE if age < SCAN_SECONDS else ""


def bursts_in(requests: Sequence[Request]) -> list[Request]:
    """The clicks that were among too many at once."""
    clicks = sorted(
        (request for request in requests if request.link_id is not None),
        key=lambda request: request.occurred_at,
    )
    window = dt.timedelta(seconds=MANY_LINKS_SECONDS)
    found: dict[int, Request] = {}
    start = 0
    for end, click in enumerate(clicks):
        while click.occurred_at - clicks[start].occurred_at > window:
            start += 1
        together = clicks[start : end + 1]
        if len({request.link_id for request in together}) >= MANY_LINKS:
            found |= {id(request): request for request in together}
    return list(found.values())


def sign_of_burst(request: Request, bursts: Sequence[Request]) -> str:
    near = dt.timedelta(seconds=BURST_SECONDS)
    belongs = any(
        request is other
        or (
            request.user_agent == other.user_agent
            and abs(request.occurred_at - other.occurred_at) <= near
        )
        for other in bursts
    )
    return Sign.MANY_LINKS if belongs else ""
