"""Reports that follow no standard, as flufl.bounce reads them."""

from __future__ import annotations

import email
import logging
import re

from flufl.bounce import all_failures

# It raises on malformed mail, which is expected here, and says so each time.
logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL + 1)
# What a report says stands at its beginning; in some of the library's patterns the time
# grows with the square of a line's length.
READ_BYTES = 30_000
LONG_LINE = re.compile(rb"([^\n]{1000})[^\n]+")
ADDRESS = re.compile(r"[^\s<>@:;,]{1,64}@[^\s<>@:;,]{1,253}")


def failing_addresses(raw: bytes) -> frozenset[str]:
    """Whom a report names as not reached; nobody when it cannot be read."""
    try:
        beginning = LONG_LINE.sub(rb"\1", raw[:READ_BYTES])
        temporary, permanent = all_failures(email.message_from_bytes(beginning))
    except Exception:
        # Whatever it met in the mail; the library names no errors of its own.
        return frozenset()
    names = (name.decode("utf-8", "replace") for name in temporary | permanent)
    return frozenset(name for name in names if ADDRESS.fullmatch(name))
