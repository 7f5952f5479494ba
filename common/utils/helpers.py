"""Small functions without a subject of their own."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
# The largest key of 64 bits has 19.
MAX_DIGITS = 18


def chunked(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Lists of at most `size` items, without holding more than one of them."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def is_whole_number(text: str) -> bool:
    """Digits alone, few enough for a key of any database."""
    return text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS


def one_line(text: object, limit: int = 500) -> str:
    """The text without line breaks and control characters, at most `limit` long."""
    text = str(text)
    if text.isprintable() and "  " not in text and text == text.strip():
        return text if len(text) <= limit else text[: limit - 1] + "…"
    cleaned = "".join(
        " " if unicodedata.category(character) in ("Cc", "Zl", "Zp") else character
        for character in text
    )
    cleaned = " ".join(cleaned.split())
    return cleaned if len(cleaned) <= limit else cleaned[: limit - 1] + "…"


def mask_address(address: str) -> str:
    """`a…@e….com`: enough for its owner to know it, too little for a stranger."""
    local, _, domain = address.rpartition("@")
    name, _, ending = domain.rpartition(".")
    if not local or not name:
        return "…"
    return f"{local[0]}…@{name[0]}….{ending}"
