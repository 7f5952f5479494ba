"""Unsubscribing by a mail to the mailbox for returns (RFC 2369 §3.2).

The header names the https address alone; a mailbox that reads returns can offer this
one in the text, and hands each request on to `unsubscribe_by_mail`.
"""

from __future__ import annotations

import datetime as dt
import re
from urllib.parse import quote

from massmail import tokens
from massmail.tracking.public_links import UNSUBSCRIBE
from massmail.tracking.responses import Responder, responder, unsubscribe

SOURCE = "mail to unsubscribe"
WORD = "unsubscribe"
# Mail programs put Re: before it, and gateways their [EXTERNAL].
_SUBJECT = re.compile(rf"\b{WORD}\s+([A-Za-z0-9_-]{{54}})(?![\w-])", re.IGNORECASE)


def unsubscribe_mailto(mailbox: str, *, delivery_id: int, address_key: str) -> str:
    """The `mailto:` address of one recipient; the subject carries the token."""
    token = tokens.make(UNSUBSCRIBE, delivery_id=delivery_id, address_key=address_key)
    subject = quote(f"{WORD} {token}")
    return f"mailto:{quote(mailbox, safe='@')}?subject={subject}"


def who_asks(subject: str) -> Responder:
    """Raises `tokens.InvalidToken` as `unsubscribe_by_mail` does."""
    """Raises `tokens.InvalidToken` for a mail that is no such request.

    The token says who asks: the sender of a mail can be anybody.
    """
    return responder(token_in(subject))


def unsubscribe_by_mail(subject: str, *, now: dt.datetime) -> Responder:
    """Raises `tokens.InvalidToken` for a mail that is no such request."""
    return unsubscribe(token_in(subject), now=now, source=SOURCE)


def token_in(subject: str) -> str:
    found = _SUBJECT.search(subject)
    if not found:
        raise tokens.InvalidToken("This mail is no request.")
    return found[1]
