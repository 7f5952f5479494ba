"""What the event of a bounce says: its sort, why, and the server's words.

In the one text that events have, so that counting and erasing need no more columns:
`hard: unknown_address: 550 5.1.1 no such user`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

SEPARATOR = ": "
MOST_LETTERS = 500


class BounceSort(StrEnum):
    """What a bounce means for the address.

    HARD: there is no such mailbox. SOFT: not for the time being. REPUTATION: the mail
    or its sender is not trusted, which is never the recipient's fault. FORWARDED: the
    mail was at the address; what failed is another one, to which it is passed on.
    """

    HARD = "hard"
    SOFT = "soft"
    REPUTATION = "reputation"
    OTHER = "other"
    FORWARDED = "forwarded"


class Bounce(NamedTuple):
    """`reason` is a word of the ledger, as `Delivery.reason` is."""

    sort: str
    reason: str = ""
    words: str = ""

    @classmethod
    def of(cls, detail: str) -> Bounce:
        """From an event's detail, whatever stands there."""
        sort, _, rest = detail.partition(SEPARATOR)
        reason, _, words = rest.partition(SEPARATOR)
        return cls(sort, reason, words)

    @property
    def detail(self) -> str:
        """As an event keeps it."""
        known = [part for part in self if part]
        return SEPARATOR.join(known)[:MOST_LETTERS]

    @property
    def counted_reason(self) -> str:
        """What a breaker counts: "" for what is not about the mail's own recipient."""
        return "" if self.sort == BounceSort.FORWARDED else self.reason

    def without_words(self) -> Bounce:
        return self._replace(words="")
