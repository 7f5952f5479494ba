"""Text in files that people bring, whatever program wrote it."""

from __future__ import annotations

import codecs

BYTE_ORDER_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def decoded(content: bytes) -> str:
    """UTF-8, UTF-16 that says so, or what Windows programs wrote without a word.

    Every byte has a meaning in the last: nothing raises.
    """
    if content.startswith(BYTE_ORDER_MARKS):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")
