"""What came of a mailing, for its page."""

from __future__ import annotations

from typing import Any

from massmail.models import MailingOut
from massmail.reports.responses import responses_of


def response_facts(mailing: MailingOut) -> dict[str, Any] | None:
    """None until there can be answers."""
    if mailing.version is None:
        return None
    return {
        "found": responses_of(mailing),
        "is_noted": mailing.version.tracks_opens or mailing.version.tracks_clicks,
    }
