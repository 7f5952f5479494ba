"""How one text of a message differs from another, as people compare them."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import unified_diff

from massmail.content.message_source import MessageSource

PARTS = ("subject", "preheader", "content", "text", "signature")
MAX_LINES = 200


@dataclass(frozen=True)
class Line:
    """`sign` is "+", "-", " " or "…"."""

    sign: str
    text: str


@dataclass(frozen=True)
class Difference:
    """`part` is a field of `MessageSource`; files are lines of their names."""

    part: str
    lines: tuple[Line, ...]


def differences(old: MessageSource, new: MessageSource) -> list[Difference]:
    """Parts that are not the same; empty when both would compile to the same."""
    found = [
        Difference(part, changed_lines(getattr(old, part), getattr(new, part)))
        for part in PARTS
        if getattr(old, part) != getattr(new, part)
    ]
    for part in ("images", "attachments"):
        before, after = getattr(old, part), getattr(new, part)
        if before != after:
            found.append(Difference(part, changed_files(before, after)))
    if old.signature_is_html != new.signature_is_html and old.signature:
        found.append(Difference("signature_is_html", ()))
    return found


def changed_lines(old: str, new: str) -> tuple[Line, ...]:
    """With one unchanged line around each change."""
    raw = list(unified_diff(old.splitlines(), new.splitlines(), n=1, lineterm=""))[2:]
    lines = [
        Line("…", "") if text.startswith("@@") else Line(text[0], text[1:])
        for text in raw
    ]
    if lines and lines[0].sign == "…":
        lines = lines[1:]
    cut = [Line("…", "")] if len(lines) > MAX_LINES else []
    return (*lines[:MAX_LINES], *cut)


def changed_files(old: tuple, new: tuple) -> tuple[Line, ...]:
    """Names of files that went or came; the same name twice: other content."""
    gone = [Line("-", file.filename) for file in old if file not in new]
    come = [Line("+", file.filename) for file in new if file not in old]
    return (*gone, *come)
