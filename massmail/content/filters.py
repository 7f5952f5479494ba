"""The filters of messages: text and dates, nothing that reads an object."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from massmail.content.values import Value, format_date, is_empty, text_of

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")

# Formats that could fail on a year or a zone, or that are no use to a reader.
_DATE_FORMAT = re.compile(r"(?:\\.|[dDjlSwzWmMnNFbEtyYoLgGhHisAaPf]|[^A-Za-z\\])*")

DATE_FORMAT_NAMES = frozenset(
    {
        "DATE_FORMAT",
        "DATETIME_FORMAT",
        "SHORT_DATE_FORMAT",
        "SHORT_DATETIME_FORMAT",
        "TIME_FORMAT",
        "MONTH_DAY_FORMAT",
        "YEAR_MONTH_FORMAT",
    }
)


def default(value: Value, argument: str) -> Value:
    return argument if is_empty(value) else value


def upper(value: Value) -> str:
    return text_of(value).upper()


def lower(value: Value) -> str:
    return text_of(value).lower()


def title(value: Value) -> str:
    """Each word with a capital: "anne-marie o'neil" → "Anne-Marie O'neil"."""
    return _WORD.sub(lambda word: capfirst(word[0].lower()), text_of(value))


def capfirst(value: Value) -> str:
    text = text_of(value)
    return text[:1].upper() + text[1:]


def truncatechars(value: Value, length: int) -> str:
    """At most `length` characters, the last of them "…" when some are left out."""
    text = text_of(value)
    return text if len(text) <= length else text[: max(length - 1, 0)] + "…"


def format_as_date(value: Value, date_format: str = "DATE_FORMAT") -> str:
    """A date in the given format; text, which has none, stays: no reader gets a gap."""
    if isinstance(value, date):
        return format_date(value, date_format)
    return text_of(value)


def is_number(argument: str | int) -> bool:
    return isinstance(argument, int) and argument > 0


def is_text(argument: str | int) -> bool:
    return isinstance(argument, str)


def is_date_format(argument: str | int) -> bool:
    return isinstance(argument, str) and (
        argument in DATE_FORMAT_NAMES or bool(_DATE_FORMAT.fullmatch(argument))
    )


@dataclass(frozen=True)
class MessageFilter:
    """A filter and what it accepts after the colon (`accepts` None: nothing)."""

    function: Callable[..., Value]
    accepts: Callable[[str | int], bool] | None = None
    argument_optional: bool = False

    def takes(self, argument: str | int | None) -> bool:
        if argument is None:
            return self.accepts is None or self.argument_optional
        return self.accepts is not None and self.accepts(argument)


FILTERS = {
    "default": MessageFilter(default, accepts=is_text),
    "upper": MessageFilter(upper),
    "lower": MessageFilter(lower),
    "title": MessageFilter(title),
    "capfirst": MessageFilter(capfirst),
    "truncatechars": MessageFilter(truncatechars, accepts=is_number),
    "date": MessageFilter(
        format_as_date, accepts=is_date_format, argument_optional=True
    ),
}
