"""Quoted-printable (RFC 2045 §6.7) in pieces that can be put side by side.

Every piece begins at the start of a line and ends with a line break: a hard one
when its text ends so, otherwise a soft one. Thus constants are encoded once per
message, slots once per recipient, and no piece depends on its neighbours.
"""

from __future__ import annotations

import binascii
import re

SOFT_BREAK = b"=\r\n"

# A space may not end a line, so such a line ends with a soft break before the hard.
_BREAK_AFTER_SPACE = re.compile(rb"(?<=[ \t])\n")

# Printable ASCII but `=`, short enough for one line with its soft break.
_AS_IT_IS = re.compile(r"[ -<>-~]{1,72}").fullmatch


def encode_value(text: str) -> bytes:
    """One line of text, as it is when nothing has to be encoded."""
    if _AS_IT_IS(text):
        return text.encode("ascii") + SOFT_BREAK
    return _encode_piece(text.encode())


def encode_constant(text: str) -> bytes:
    """Text with line breaks of any kind; lines of at most 76 bytes."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").encode()
    return b"\r\n".join(
        _encode_piece(piece) for piece in _BREAK_AFTER_SPACE.split(lines)
    )


def _encode_piece(data: bytes) -> bytes:
    if not data:
        return b""
    # The sentinel keeps `b2a_qp` from encoding a space at the end, which it does
    # without looking at the length, and leaves room for the soft break.
    encoded = binascii.b2a_qp(data + b"-", istext=True)[:-1].replace(b"\n", b"\r\n")
    return encoded if encoded.endswith(b"\r\n") else encoded + SOFT_BREAK
