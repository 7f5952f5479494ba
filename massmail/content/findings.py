"""What preflight can find, in the words that people read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from django.utils.functional import Promise

# A note tells what could not be looked at; it neither blocks nor warns.
Level = Literal["blocking", "warning", "note"]
MAX_DETAILS = 5
MAX_DETAIL_LENGTH = 120


@dataclass(frozen=True)
class Finding:
    """`overridable`: a chief may launch in spite of it, with a reason.

    `details` name the places: links, pictures, domains.
    """

    code: str
    level: Level
    message: str | Promise
    overridable: bool = True
    details: tuple[str, ...] = ()

    def at(self, places: Iterable[str]) -> Finding:
        """The same with its places, the first few of them, each once."""
        found = list(dict.fromkeys(place for place in places if place))
        shown = [place[:MAX_DETAIL_LENGTH] for place in found[:MAX_DETAILS]]
        if len(found) > MAX_DETAILS:
            shown.append(f"… +{len(found) - MAX_DETAILS}")
        return replace(self, details=tuple(shown))


def blocking(code: str, message: Promise, *, overridable: bool = True) -> Finding:
    return Finding(code, "blocking", message, overridable)


def warning(code: str, message: Promise) -> Finding:
    return Finding(code, "warning", message)


def note(code: str, message: Promise) -> Finding:
    return Finding(code, "note", message)
