"""Requests for pixels and links, written down in one INSERT without looking at them.

The one thing that a GET may do: it appends a row. `events` looks at it later.
"""

from __future__ import annotations

import datetime as dt

from massmail import tokens
from massmail.models import DeliveryEvent, TrackingHit
from massmail.models.prepared import insert_row
from massmail.tracking.public_links import CLICK, OPEN

KINDS = {
    OPEN: DeliveryEvent.Kind.OPENED,
    CLICK: DeliveryEvent.Kind.CLICKED,
}


def note(
    page: str,
    text: str,
    *,
    method: str,
    user_agent: str,
    now: dt.datetime,
    link_id: int | None = None,
) -> bool:
    """Append the request; False when the token is none of this page."""
    try:
        token = tokens.read(page, text)
    except tokens.InvalidToken:
        return False
    insert_row(
        TrackingHit(
            delivery_id=token.delivery_id,
            link_id=link_id,
            kind=KINDS[page],
            occurred_at=now,
            method=method[:7],
            user_agent=user_agent.replace("\0", "")[:300],
        )
    )
    return True
