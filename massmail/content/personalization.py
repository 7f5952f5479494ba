"""Filling prepared programs with the values of one recipient.

Two ways: as text (subjects, previews) by walking the pieces, and as bytes on the
wire, for which a program is turned once into constants that are encoded already and
functions that return an encoded slot. The second runs for every recipient; it
renders no template and touches no constant.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence

from massmail.content.conditions import Condition
from massmail.content.links import checked
from massmail.content.program import (
    Address,
    Choice,
    ImageReference,
    Piece,
    Program,
    Slot,
    as_it_is,
)
from massmail.content.quoted_printable import (
    SOFT_BREAK,
    encode_constant,
    encode_value,
)
from massmail.content.values import Values

ImageAddress = Callable[[str], str]  # name of an image → its address
Fill = Callable[[Values], bytes]
WirePart = bytes | Fill

# Letters, digits, spaces and a few signs: neither HTML nor quoted-printable changes
# them, but for a dot at the start. Most names and companies are of this kind.
_UNCHANGED = re.compile(r"(?!\.)[A-Za-z0-9 .,:;()/_@+-]{1,72}").fullmatch

_KEEP_PLAIN_TEXT = (as_it_is, html.escape)  # an address encodes spaces and slashes


def no_images(name: str) -> str:
    raise LookupError(f"The program may not hold the image {name!r}.")


def fill_text(
    program: Program, values: Values, image_address: ImageAddress = no_images
) -> str:
    """The program as text; raises `RenderError` for a value that does not fit."""
    return "".join(_piece_text(piece, values, image_address) for piece in program)


def _piece_text(piece: Piece, values: Values, image_address: ImageAddress) -> str:
    match piece:
        case str():
            return piece
        case Slot():
            return piece.escape(piece.expression.text(values))
        case Choice():
            return fill_text(piece.taken(values), values, image_address)
        case Address():
            return _address_text(piece, values)
        case ImageReference():
            return image_address(piece.name)
    raise TypeError(f"{piece!r} cannot be filled.")


def _address_text(address: Address, values: Values) -> str:
    text = fill_text(address.program, values)
    return address.escape(checked(text, address.schemes))


def wire_parts(program: Program) -> tuple[WirePart, ...]:
    """The program in quoted-printable, constants as bytes.

    The pieces of `quoted_printable` can stand side by side, so neighbours need no
    knowledge of each other. Images must have been replaced by their addresses.
    """
    return tuple(_wire_part(piece) for piece in program)


def _wire_part(piece: Piece) -> WirePart:
    match piece:
        case str():
            return encode_constant(piece)
        case Slot():
            return _wire_slot(piece)
        case Choice():
            return _wire_choice(piece)
        case Address():
            return lambda values: encode_value(_address_text(piece, values))
    raise TypeError(f"{piece!r} cannot be put on the wire.")


def _wire_slot(slot: Slot) -> Fill:
    name, filters = slot.expression.name, slot.expression.filters
    text_of, escape = slot.expression.text, slot.escape
    is_simple = not filters and escape in _KEEP_PLAIN_TEXT

    def fill(values: Values) -> bytes:
        if is_simple:
            value = values.get(name)
            if value.__class__ is str and _UNCHANGED(value):
                return value.encode("ascii") + SOFT_BREAK
        return encode_value(escape(text_of(values)))

    return fill


def _wire_choice(choice: Choice) -> Fill:
    branches: list[tuple[Condition | None, tuple[WirePart, ...]]] = [
        (branch.condition, wire_parts(branch.program)) for branch in choice.branches
    ]

    def fill(values: Values) -> bytes:
        for condition, parts in branches:
            if condition is None or condition.holds(values):
                return fill_wire(parts, values)
        return b""

    return fill


def fill_wire(parts: Sequence[WirePart], values: Values) -> bytes:
    """Constants and filled slots joined; raises `RenderError`."""
    return b"".join(
        [part if isinstance(part, bytes) else part(values) for part in parts]
    )
