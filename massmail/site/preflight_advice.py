"""What to do about what stands in the way of a launch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext_lazy as _

from massmail.content.preflight import Finding

IN_THE_MESSAGE = "message"
IN_THE_SETTINGS = "settings"

# Code of the finding → (where it is mended, how).
ADVICE: dict[str, tuple[str, Any]] = {
    "no_unsubscribe_link": (
        IN_THE_MESSAGE,
        _(
            'Put a link into the message: <a href="{{ unsubscribe_url }}">Unsubscribe'
            "</a>, outside of any condition."
        ),
    ),
    "no_unsubscribe_url_in_text": (
        IN_THE_MESSAGE,
        _(
            "Write {{ unsubscribe_url }} into the plain text, or leave the plain text "
            "blank to have it made of the HTML."
        ),
    ),
    "no_postal_address": (
        IN_THE_MESSAGE,
        _("Write {{ postal_address }} at the end of the message."),
    ),
    "empty_subject": (IN_THE_MESSAGE, _("Write a subject.")),
    "empty_body": (IN_THE_MESSAGE, _("Write the message.")),
    "no_text_part": (
        IN_THE_MESSAGE,
        _("Some people read mail as plain text; write one for them."),
    ),
    "no_postal_address_set": (
        IN_THE_SETTINGS,
        _("A superuser enters it under Home › Settings › Massmail Settings."),
    ),
    "no_public_url": (
        IN_THE_SETTINGS,
        _("A superuser enters it under Home › Settings › Massmail Settings."),
    ),
    "public_url_not_https": (
        IN_THE_SETTINGS,
        _("A superuser enters it under Home › Settings › Massmail Settings."),
    ),
}


def advised(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Each finding with its advice and the place of the remedy."""
    return [
        {"finding": finding, "place": place, "advice": advice}
        for finding in findings
        for place, advice in [ADVICE.get(finding.code, ("", ""))]
    ]
