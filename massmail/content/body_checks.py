"""What is looked at in a message's subject and body before a launch.

Syntax alone: nothing is fetched, since a link may do something when it is opened.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _

from massmail.content.compiler import CompiledMessage
from massmail.content.findings import Finding, blocking, warning
from massmail.content.foreign import foreign_placeholders
from massmail.content.headers import ascii_domain
from massmail.content.reading import VALUE, Link, Reading, flat, reading_of
from massmail.exceptions import RenderError

LONG_SUBJECT = 78  # characters; mailboxes show 40 to 70 of them
# What Postfix takes unless it is told otherwise (message_size_limit), rounded.
HEAVY_BYTES = 10_000_000
CLIPPED_BYTES = 102 * 1024  # of the HTML: Gmail hides what comes behind
VALUE_BYTES = 20  # about what a recipient's value takes
FEW_LETTERS = 120  # a footer and a greeting, but no message
MIN_SHOUTED = 8  # letters; shorter subjects may be a name or an abbreviation

_REPEATED_MARKS = re.compile(r"[!?]{2,}|[$€£]{2,}")
_IP_ADDRESS = re.compile(r"[0-9.]+|[0-9a-f]*:[0-9a-f:.]+")
_DOMAIN = re.compile(r"(?:[^.\s]+\.)+[^.\s\d][^.\s]+")

FOREIGN_PLACEHOLDERS = blocking(
    "foreign_placeholders",
    _("There are placeholders of another system. Recipients would read them."),
)
EMPTY_LINKS = blocking("empty_links", _("There are links that lead nowhere."))
BROKEN_LINKS = blocking("broken_links", _("There are links that cannot work."))
LOST_PICTURES = blocking(
    "lost_pictures", _("There are pictures that no mail program can show.")
)
PICTURES_WITHOUT_TEXT = warning(
    "pictures_without_text",
    _("There are pictures without a text for readers who do not see them."),
)
PICTURES_WITHOUT_SIZE = warning(
    "pictures_without_size",
    _("There are pictures without a width. Outlook shows them in their full size."),
)
ONLY_PICTURES = warning(
    "only_pictures",
    _("The message is little more than pictures. Spam filters dislike that."),
)
CLIPPED = warning(
    "clipped", _("The HTML has more than 102 kB. Gmail hides the rest of it.")
)
TOO_BIG = blocking(
    "too_big", _("The message is bigger than the account's server takes.")
)
HEAVY = warning(
    "heavy",
    _(
        "With its pictures and files the message is so big that some recipients' "
        "servers refuse it. A link to a file costs nothing."
    ),
)
SUBJECT_TOO_LONG = warning(
    "subject_too_long", _("The subject is long. Most readers see only its beginning.")
)
SUBJECT_SHOUTS = warning(
    "subject_shouts",
    _("The subject shouts: capitals, or rows of exclamation or currency signs."),
)


def body_findings(
    compiled: CompiledMessage, *, max_message_bytes: int | None
) -> Iterator[Finding]:
    """In the order in which they are shown."""
    reading = reading_of(compiled.html)
    yield from _placeholder_findings(compiled)
    yield from _link_findings(reading.links)
    yield from _picture_findings(reading)
    yield from _size_findings(compiled, max_message_bytes)
    yield from _subject_findings(flat(compiled.subject))


def _found(finding: Finding, places: Iterable[str]) -> Iterator[Finding]:
    places = list(places)
    if places:
        yield finding.at(places)


def _placeholder_findings(compiled: CompiledMessage) -> Iterator[Finding]:
    texts = (flat(compiled.subject), flat(compiled.html), flat(compiled.text))
    places = [place for text in texts for place in foreign_placeholders(text)]
    yield from _found(FOREIGN_PLACEHOLDERS, places)


def _link_findings(links: list[Link]) -> Iterator[Finding]:
    empty = [link.text.strip() or "<a>" for link in links if not link.target]
    yield from _found(EMPTY_LINKS, empty)
    broken = (link.target for link in links if link.target)
    yield from _found(BROKEN_LINKS, (target for target in broken if is_broken(target)))


def is_broken(target: str) -> bool:
    """Whether an address can be told to be wrong by the look of it."""
    if target.startswith(VALUE):
        return False
    scheme, _colon, rest = target.partition(":")
    match scheme.lower():
        case "http" | "https":
            return not _has_host(target)
        case "mailto":
            return VALUE not in rest and "@" not in rest.partition("?")[0]
        case "tel":
            return VALUE not in rest and sum(sign.isdigit() for sign in rest) < 3
    return True


def _has_host(target: str) -> bool:
    try:
        parts = urlsplit(target)
        host = parts.hostname or ""
    except ValueError:
        return False
    if VALUE in parts.netloc:
        return True
    if any(sign.isspace() for sign in target):
        return False
    if _IP_ADDRESS.fullmatch(host):
        return True
    try:
        return bool(_DOMAIN.fullmatch(host) and ascii_domain(host))
    except RenderError:
        return False


def _picture_findings(reading: Reading) -> Iterator[Finding]:
    pictures = reading.pictures
    shown = [picture for picture in pictures if picture.source]
    lost = (picture.name for picture in pictures if not picture.source)
    yield from _found(LOST_PICTURES, lost)
    silent = (picture.name for picture in shown if picture.is_silent)
    yield from _found(PICTURES_WITHOUT_TEXT, silent)
    unsized = (picture.name for picture in shown if not picture.has_size)
    yield from _found(PICTURES_WITHOUT_SIZE, unsized)
    if pictures and reading.letters < FEW_LETTERS:
        yield ONLY_PICTURES


def _size_findings(
    compiled: CompiledMessage, max_message_bytes: int | None
) -> Iterator[Finding]:
    html = flat(compiled.html)
    if len(html.encode()) + VALUE_BYTES * html.count(VALUE) > CLIPPED_BYTES:
        yield CLIPPED
    if max_message_bytes and compiled.size_estimate > max_message_bytes:
        sizes = (compiled.size_estimate, max_message_bytes)
        yield TOO_BIG.at([" > ".join(f"{size / 1e6:.1f} MB" for size in sizes)])
    elif compiled.size_estimate > HEAVY_BYTES:
        yield HEAVY.at([f"{compiled.size_estimate / 1e6:.1f} MB"])


def _subject_findings(subject: str) -> Iterator[Finding]:
    if len(subject) > LONG_SUBJECT:
        yield SUBJECT_TOO_LONG
    if _REPEATED_MARKS.search(subject) or _is_in_capitals(subject):
        yield SUBJECT_SHOUTS


def _is_in_capitals(subject: str) -> bool:
    """Scripts without capitals never shout."""
    upper = sum(letter.isupper() for letter in subject)
    cased = upper + sum(letter.islower() for letter in subject)
    return upper >= MIN_SHOUTED and upper > cased * 0.7
