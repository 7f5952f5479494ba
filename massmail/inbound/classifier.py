"""Why a mail came back: from a report's code and words to a sort; pure.

The same words and codes by which the sender judges a reply (`backends.reply_codes`,
`backends.reply_texts`); the first row that fits counts. Doubt is for the recipient:
what speaks of spam or of a rule never says that there is no such address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from massmail.backends import reply_codes as codes
from massmail.backends import reply_texts as texts
from massmail.inbound.parser import Mail, RecipientReport, code_in
from massmail.models.bounce import BounceSort
from massmail.models.soft_bounces import GAVE_UP

SOFT, OTHER = BounceSort.SOFT, BounceSort.OTHER
REPUTATION = BounceSort.REPUTATION
NOT_AUTHENTICATED = "sender_not_authenticated"
# Codes that say nothing of the cause.
VAGUE = re.compile(r"|[245]\.[0-6]\.0")
# What is the sender's own matter (Exchange Online's words for it, mostly).
LIMIT_CODE = r"5\.4\.5|5\.1\.90|5\.7\.23[23]|5\.2\.25[45]"
BLOCKED_CODE = r"5\.7\.(705|708|750)|5\.2\.25[123]|5\.1\.8"
NO_ROUTE_TEXT = r"(host|domain)( or domain)?( name)?.{0,30}(not found|unknown|no such)"


class Failure(NamedTuple):
    """A sort of `BounceSort` and a word for the ledger."""

    sort: str
    reason: str

    @property
    def stops_mailing(self) -> bool:
        """No receiver takes this mail before somebody mends the sender's domain."""
        return self.reason == NOT_AUTHENTICATED


class Row(NamedTuple):
    code: re.Pattern[str]
    text: re.Pattern[str]
    failure: Failure


def row(sort: str, reason: str, code: str = r".*", text: str = r"") -> Row:
    """Patterns match all of the code, any part of the text."""
    words = re.compile(text, re.IGNORECASE)
    return Row(re.compile(code), words, Failure(sort, reason))


ROWS = (
    row(REPUTATION, NOT_AUTHENTICATED, codes.NOT_AUTHENTICATED),
    row(OTHER, "daily_limit", LIMIT_CODE),
    row(OTHER, "account_blocked", BLOCKED_CODE),
    row(OTHER, "recipient_restricted", codes.RESTRICTED),
    row(OTHER, "recipient_restricted", text=codes.RESTRICTED_TEXT),
    row(SOFT, GAVE_UP, r"4\..+", r"gr[ea]y.?list"),
    row(REPUTATION, "taken_for_spam", r"[45]\.7\..+|5\.1\..+", texts.SPAM),
    *(
        row(BounceSort.HARD, reason, pattern)
        for reason, pattern in codes.ADDRESS_IS_GONE.items()
    ),
    row(SOFT, "mailbox_full", r"[45]\.2\.2"),
    row(SOFT, "mailbox_full", r"4\..+|5\.2\..+|(5\.0\.0)?", texts.MAILBOX_FULL),
    row(SOFT, "mailbox_busy", text=texts.MAILBOX_BUSY),
    row(SOFT, GAVE_UP, r"4\..+|5\.4\.7"),
    row(OTHER, "mailbox_disabled", codes.MAILBOX_DISABLED),
    row(OTHER, "message_too_big", rf"{codes.MAILBOX_LIMIT}|{codes.SYSTEM_LIMIT}"),
    row(OTHER, "message_too_big", r"(5\.0\.0)?", texts.TOO_BIG),
    row(OTHER, "unknown_domain", r"5\.4\.4"),
    row(OTHER, "recipient_restricted", r"5\.7\.[12]|", texts.RESTRICTED),
    row(REPUTATION, "taken_for_spam", text=texts.SPAM),
    row(REPUTATION, "against_policy", codes.POLICY),
    row(OTHER, "unknown_address", text=texts.UNKNOWN_USER),
    row(OTHER, "unknown_domain", text=NO_ROUTE_TEXT),
    row(OTHER, "address_refused", r"5\..+"),
    row(OTHER, "refused", text=r"\b5\d\d\b"),
    row(OTHER, "came_back"),
)


def failure_of(status: str, diagnostic: str) -> Failure:
    """`status` is that of the report; where it is vague, the server's own counts."""
    code = status
    if VAGUE.fullmatch(status):
        code = code_in(diagnostic) or status
    return next(
        found.failure
        for found in ROWS
        if found.code.fullmatch(code) and found.text.search(diagnostic)
    )


class Told(NamedTuple):
    """What is told of one mail: how it failed, and for whom.

    `addresses` are those of who may have failed, each in the spellings in which it can
    be read; none where nobody is named.
    """

    status: str
    words: str
    addresses: tuple[tuple[str, ...], ...]


def told_by(report: RecipientReport) -> Told:
    """Where it ended counts: a mailbox that forwards is the original recipient only."""
    words = report.diagnostic or report.status
    spellings = report.final or report.original
    return Told(report.status, words, (spellings,) if spellings else ())


# Where the text of a report ends and the mail begins that it returns.
COPY = re.compile(
    r"^[ \t>|]{0,20}(?:return-path|received|dkim-signature|mime-version|message-id):"
    r"|^[-=_*\s]{0,80}(?:below this line|(?:begin )?original message|returned message"
    r"|this is a copy|message headers? follows?|ursprüngliche nachricht)",
    re.IGNORECASE | re.MULTILINE,
)
ADDRESS = re.compile(r"[^\s<>()\[\]\"':;,=]{1,64}@[^\s<>()\[\]\"':;,=]{1,253}")
# Behind a code of three digits, or by itself; the version of a program has none.
CODE = re.compile(r"\b[45]\d\d[ -]#?([45]\.\d{1,3}\.\d{1,3})\b")
REPLY_LINE = re.compile(r"\b[45]\d\d[ -]|\b[45]\.\d{1,3}\.\d{1,3}\b")
MOST_ADDRESSES = 50


def told_in_words(mail: Mail, failing: Iterable[str]) -> Told:
    """Of a report without a part for programs; `failing` is whom it was found to name.

    Else all that are named, since it cannot be told who failed.
    """
    text = own_words(mail.text)
    named = sorted(failing) or ADDRESS.findall(text)[:MOST_ADDRESSES]
    code = CODE.search(text)
    addresses = tuple((one,) for one in named)
    return Told(code[1] if code else "", telling_lines(text), addresses)


def own_words(text: str) -> str:
    """Without the mail that it returns."""
    found = COPY.search(text)
    return text[: found.start()] if found else text


def telling_lines(text: str) -> str:
    """Those with a server's reply; else what is said first."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if REPLY_LINE.search(line)]
    return " ".join(telling[:5] or lines[:5])[:1000]
