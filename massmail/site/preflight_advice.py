"""What to do about what stands in the way of a launch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext_lazy as _

from massmail.content.findings import Finding

IN_THE_MESSAGE = "message"
IN_THE_SETTINGS = "settings"
AT_THE_PROVIDER = "provider"

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


ADVICE |= {
    "foreign_placeholders": (
        IN_THE_MESSAGE,
        _(
            "Put in variables of the list beside the text instead, or bring the old"
            " text in again with “Bring in an old text”."
        ),
    ),
    "empty_links": (
        IN_THE_MESSAGE,
        _("Give them an address that begins with https://, mailto: or tel:."),
    ),
    "broken_links": (IN_THE_MESSAGE, _("Correct their addresses.")),
    "lost_pictures": (
        IN_THE_MESSAGE,
        _("Take pictures from your library, or from an address with https://."),
    ),
    "pictures_without_text": (
        IN_THE_MESSAGE,
        _('Describe each in a few words: alt="…".'),
    ),
    "pictures_without_size": (IN_THE_MESSAGE, _('Give each a width: width="560".')),
    "only_pictures": (
        IN_THE_MESSAGE,
        _("Write what the pictures say; many readers do not see them at first."),
    ),
    "clipped": (
        IN_THE_MESSAGE,
        _("Shorten it. The link to unsubscribe stands behind the cut."),
    ),
    "too_big": (
        IN_THE_MESSAGE,
        _("Leave out files, or put them on a web site and link to them."),
    ),
    "subject_too_long": (IN_THE_MESSAGE, _("Put what matters first.")),
    "subject_shouts": (IN_THE_MESSAGE, _("Say it in a quiet voice.")),
    "sender_domain_unknown": (
        AT_THE_PROVIDER,
        _("Correct the account's address."),
    ),
    "sender_without_spf": (
        AT_THE_PROVIDER,
        _("Whoever looks after the domain adds what the mailbox's provider names."),
    ),
    "sender_with_two_spf": (AT_THE_PROVIDER, _("They have to become one record.")),
    "sender_without_dkim": (
        AT_THE_PROVIDER,
        _("Switch it on in the mailbox's settings at its provider."),
    ),
    "sender_without_dmarc": (
        AT_THE_PROVIDER,
        _("To begin with, “v=DMARC1; p=none” is enough."),
    ),
    "sender_not_aligned": (
        AT_THE_PROVIDER,
        _("Send from the address with which the account logs in."),
    ),
    "sender_not_looked_up": (AT_THE_PROVIDER, _("Open this page again later.")),
}


def advised(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Each finding with its advice and the place of the remedy."""
    return [
        {"finding": finding, "place": place, "advice": advice}
        for finding in findings
        for place, advice in [ADVICE.get(finding.code, ("", ""))]
    ]
