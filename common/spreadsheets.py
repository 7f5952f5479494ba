"""What a spreadsheet's cell may hold: text that no program takes for a formula."""

from __future__ import annotations

import re
from typing import Any

# What makes Excel, LibreOffice or Google Sheets calculate instead of show (OWASP,
# "CSV Injection").
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
GUARD = "'"
# XML 1.0 has no place for them, so neither has an XLSX file.
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


def guarded(value: Any) -> Any:
    """The value as it may be written into a file; other types than text as they are."""
    if not isinstance(value, str):
        return value
    text = UNPRINTABLE.sub("", value)
    return GUARD + text if text.startswith(FORMULA_STARTS) else text


def cell_text(value: Any) -> str:
    """A cell as text: without the guard that an export put there.

    A spreadsheet keeps a telephone number as 4930123.0 when it looks like a number.
    """
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).strip()
    if text.startswith(GUARD) and text[1:].startswith(FORMULA_STARTS):
        return text[1:]
    return text
