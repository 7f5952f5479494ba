"""Reading answers: lines to a `Reply`, and the extensions that EHLO names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from massmail.backends.phases import Reply, printable

# RFC 5321 section 4.5.3.1.5 says 512 octets; servers in use exceed that.
MAX_LINE_BYTES = 4096
MAX_LINES = 128

_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)
_ENHANCED = re.compile(r"#?([245]\.\d{1,3}\.\d{1,3})(?!\.?\d)[.:;]?\s*")
# qmail and others put the code into the words: "sorry, no mailbox here (#5.1.1)".
_ENHANCED_INSIDE = re.compile(r"#([245]\.\d{1,3}\.\d{1,3})(?!\.?\d)")


class MalformedReply(ValueError):
    """What the server sent is no SMTP reply."""


@lru_cache(maxsize=256)
def parse_line(line: bytes) -> tuple[int, bool, str]:
    """Code, whether more lines follow, and the words of one line.

    Raises MalformedReply.
    """
    match = _LINE.fullmatch(line.rstrip(b"\r\n"))
    if match is None:
        raise MalformedReply(f"not a reply: {line[:80]!r}")
    code, separator, words = match.groups(default=b"")
    return int(code), separator == b"-", words.decode("utf-8", "replace")


@lru_cache(maxsize=256)
def reply_of(code: int, *lines: str) -> Reply:
    """`join_reply`, which a server has say the same again and again."""
    return join_reply(code, lines)


def join_reply(code: int, lines: Iterable[str]) -> Reply:
    """One reply from the words of its lines, enhanced codes taken out of them."""
    enhanced, words = "", []
    for line in lines:
        match = _ENHANCED.match(line)
        if match and match[1][0] == str(code)[0]:
            enhanced = enhanced or match[1]
            line = line[match.end() :]
        words.append(line)
    text = printable(" ".join(words))
    return Reply(code, enhanced or _enhanced_inside(code, text), text)


def _enhanced_inside(code: int, text: str) -> str:
    match = _ENHANCED_INSIDE.search(text)
    return match[1] if match and match[1][0] == str(code)[0] else ""


def parse_features(lines: Sequence[str]) -> dict[str, str]:
    """Extensions by upper-case keyword, from the lines after the greeting's first.

    "AUTH=PLAIN LOGIN", as old servers write it, counts as "AUTH PLAIN LOGIN".
    """
    features: dict[str, str] = {}
    for line in lines[1:]:
        keyword, _, parameters = printable(line).partition(" ")
        if keyword.upper().startswith("AUTH="):
            keyword, parameters = "AUTH", f"{keyword[5:]} {parameters}"
        known = features.get(keyword.upper(), "")
        features[keyword.upper()] = f"{known} {parameters}".strip()
    return features
