"""Quoted-printable (RFC 2045 §6.7) in pieces that can be put side by side.

Every piece begins at the start of a line and ends with a line break: a hard one
when its text ends so, otherwise a soft one. Thus constants are encoded once per
message, slots once per recipient, and no piece depends on its neighbours.

No line begins with a dot: SMTP would have to double it (RFC 5321 §4.5.2), which takes
time for each copy, and some software on the way forgets to.
"""

from __future__ import annotations

import binascii
import re

SOFT_BREAK = b"=\r\n"

# A space may not end a line, so such a line ends with a soft break before the hard:
# `b2a_qp` would encode the space without looking at the line's length.
_BREAK_AFTER_SPACE = re.compile(rb"(?<=[ \t])\n")

# Printable ASCII but `=`, short enough for one line with its soft break.
_AS_IT_IS = re.compile(r"(?!\.)[ -<>-~]{1,72}").fullmatch

_FIRST_DOTS = re.compile(rb"^\.+", re.MULTILINE)
_ENCODED_DOT = b"=2E" + SOFT_BREAK


def encode_value(text: str) -> bytes:
    """Text, as it is when nothing has to be encoded: mostly one line.

    The address of a link may have been written on several.
    """
    if _AS_IT_IS(text):
        return text.encode("ascii") + SOFT_BREAK
    if "\n" in text or "\r" in text:
        return encode_constant(text)
    return _encode_piece(text.encode())


def encode_constant(text: str) -> bytes:
    """Text with line breaks of any kind; lines of at most 76 bytes."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").encode()
    return b"\r\n".join(
        _encode_piece(piece) for piece in _BREAK_AFTER_SPACE.split(lines)
    )


def _encode_piece(data: bytes) -> bytes:
    """Line breaks are line feeds, before which there is no space."""
    if not data:
        return b""
    # The sentinel keeps `b2a_qp` from encoding a space at the end, which it does
    # without looking at the length, and leaves room for the soft break.
    encoded = binascii.b2a_qp(data + b"-", istext=True)[:-1].replace(b"\n", b"\r\n")
    if not encoded.endswith(b"\r\n"):
        encoded += SOFT_BREAK
    # Each on a line of its own, so that none gets too long.
    return _FIRST_DOTS.sub(lambda dots: _ENCODED_DOT * len(dots[0]), encoded)
