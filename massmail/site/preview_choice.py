"""For whom a preview is shown, as its address says; nonsense gives the default."""

from __future__ import annotations

from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.translation import gettext as _

from massmail.models import EmlMessage, MessageVersion
from massmail.orchestrator.preview_recipients import (
    extreme_recipient,
    found_recipients,
    own_recipient,
)
from massmail.orchestrator.previewing import fitting
from massmail.recipients.registry import sources
from massmail.recipients.source import Recipient, RecipientSource

MATCHES_SHOWN = 50
MAX_SEARCH_LENGTH = 100
EMPTIEST, LONGEST = "-emptiest", "-longest"


class PreviewChoice:
    """Type of recipient, recipient, width and colours of a preview."""

    def __init__(
        self, data: QueryDict, user: Any, message: EmlMessage | MessageVersion
    ) -> None:
        self._data, self._user, self._message = data, user, message
        self.search = data.get("q", "").replace("\0", "").strip()[:MAX_SEARCH_LENGTH]
        # "": as wide as the reader's own screen is.
        self.width = self._one_of(("", "desktop", "phone"), "width")
        self.scheme = self._one_of(("light", "dark"), "scheme")
        self.images = self._one_of(("on", "off"), "images")
        # Kept, so that the way back is not lost.
        self.mailing = data.get("mailing", "")[:MAX_SEARCH_LENGTH]

    @property
    def has_images(self) -> bool:
        return self.images == "on"

    def _one_of(self, values: tuple[str, ...], name: str) -> str:
        given = self._data.get(name, "")
        return given if given in values else values[0]

    @cached_property
    def source(self) -> RecipientSource | None:
        """As asked for; else a fitting type of which the user has records."""
        by_label = {source.label: source for source in sources()}
        if asked := by_label.get(self._data.get("type", "")):
            return asked
        candidates = fitting(self._message, by_label.values()) or [*by_label.values()]
        with_records = (
            source for source in candidates if source.records_for(self._user).exists()
        )
        return next(with_records, candidates[0] if candidates else None)

    @cached_property
    def matches(self) -> list[Recipient]:
        if self.source is None:
            return []
        return found_recipients(self.source, self._user, self.search, MATCHES_SHOWN)

    @cached_property
    def recipient_key(self) -> str:
        """The chosen one while the search finds him, otherwise the first found."""
        asked = self._data.get("recipient", "").replace("\0", "")
        if asked in (EMPTIEST, LONGEST):
            return asked
        found = [recipient.object_id for recipient in self.matches]
        if asked in found or (asked and not self.search and self._own(asked)):
            return asked
        return found[0] if found else LONGEST

    @cached_property
    def recipient(self) -> Recipient:
        if self.source is None:
            return Recipient("", "name@example.com")
        if self.recipient_key in (EMPTIEST, LONGEST):
            longest = self.recipient_key == LONGEST
            return extreme_recipient(self.source, self._user, longest=longest)
        return own_recipient(self.source, self._user, self.recipient_key)

    def _own(self, object_id: str) -> bool:
        if self.source is None:
            return False
        try:
            own_recipient(self.source, self._user, object_id)
        except LookupError:
            return False
        return True

    @property
    def options(self) -> list[tuple[str, str]]:
        """(key, label) of everybody who can be chosen."""
        people = {row.object_id: label(row) for row in self.matches}
        key = self.recipient_key
        if key not in (EMPTIEST, LONGEST):
            people.setdefault(key, label(self.recipient))
        return [
            *people.items(),
            (LONGEST, _("The longest values")),
            (EMPTIEST, _("The emptiest values")),
        ]

    def query(self, **changes: str) -> str:
        """The same choice as a query string, with something changed."""
        choice = {
            "type": self.source.label if self.source else "",
            "recipient": self.recipient_key,
            "q": self.search,
            "width": self.width,
            "scheme": self.scheme,
            "images": "" if self.has_images else self.images,
            "mailing": self.mailing,
        }
        return urlencode({k: v for k, v in (choice | changes).items() if v})


def label(recipient: Recipient) -> str:
    parts = filter(None, (recipient.name, recipient.address))
    return " · ".join(parts) or f"#{recipient.object_id}"
