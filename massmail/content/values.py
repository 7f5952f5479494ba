"""What a variable may hold, and how it becomes one line of text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from functools import lru_cache

from django.utils import formats
from django.utils.translation import get_language

from massmail.exceptions import RenderError

Value = str | date | None  # a datetime is a date
Values = Mapping[str, Value]

_LINE_BREAKS_AND_CONTROLS = re.compile(r"\r\n|[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LONE_SURROGATES = re.compile(r"[\ud800-\udfff]")


def one_line(text: str) -> str:
    """The text with line breaks and control characters as spaces.

    Names of the wild carry them, and a line break in a header would end it. Half
    surrogate pairs, which no charset can encode, become U+FFFD.
    """
    if text.isprintable():
        return text
    return encodable(_LINE_BREAKS_AND_CONTROLS.sub(" ", text))


def encodable(text: str) -> str:
    """The text as UTF-8 can carry it."""
    return _LONE_SURROGATES.sub("\ufffd", text)


def text_of(value: Value) -> str:
    """The value as one line; raises `RenderError` for anything but text and dates."""
    if value is None:
        return ""
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, date):
        return format_date(value, "DATE_FORMAT")
    raise RenderError(f"A variable holds {type(value).__name__}, not text or a date.")


def is_empty(value: Value) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def format_date(value: date, date_format: str) -> str:
    """In the active language; `date_format` as in Django's `date` filter."""
    return _format_date(value, date_format, get_language() or "")


# Every recipient of a mailing gets the same few dates.
@lru_cache(maxsize=1024)
def _format_date(value: date, date_format: str, language: str) -> str:
    # Letters for the time raise TypeError on a date: it is midnight then.
    if not isinstance(value, datetime):
        value = datetime.combine(value, time.min)
    return one_line(formats.date_format(value, date_format))
