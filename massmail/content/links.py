"""Addresses in a message: which are allowed, escaped, listed and rewritten."""

from __future__ import annotations

import html
import re
from urllib.parse import quote, unquote

from massmail.content.program import (
    Address,
    Choice,
    Escape,
    Piece,
    Program,
    Slot,
    changed,
    joined,
)
from massmail.exceptions import RenderError

LINK_SCHEMES = frozenset({"http", "https", "mailto", "tel"})
IMAGE_SCHEMES = frozenset({"https", "cid"})

ADDRESS_ATTRIBUTES = {
    "href": LINK_SCHEMES,
    "src": IMAGE_SCHEMES,
    "background": IMAGE_SCHEMES,
}

# RFC 3986 §2.2 and §2.3, and "%": the value is an address already.
_ADDRESS_CHARACTERS = "!#$%&'()*+,/:;=?@[]~"
_SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.\-]*):")

_HOST_END = re.compile("[/?#]")
_PLAIN_ADDRESS = re.compile(r"https?://[A-Za-z0-9._~:/?=&%+-]+").fullmatch

# Browsers drop these from an address before they look for the scheme.
_IGNORED_BY_BROWSERS = re.compile(r"[\x00-\x20]+")


def scheme_of(address: str) -> str:
    """In small letters; empty when the address is relative."""
    match = _SCHEME.match(address)
    if not match:
        match = _SCHEME.match(_IGNORED_BY_BROWSERS.sub("", address))
    return match[1].lower() if match else ""


def whole_address(text: str) -> str:
    """A value that is an address: only what no address contains is encoded."""
    if _PLAIN_ADDRESS(text):
        return text
    return quote(text.strip(), safe=_ADDRESS_CHARACTERS)


def address_part(text: str) -> str:
    """A value inside an address: everything with a meaning there is encoded."""
    return quote(text, safe="")


def mailbox_part(text: str) -> str:
    """A value behind `mailto:`, where the @ is written as it is (RFC 6068 §2)."""
    return quote(text, safe="@")


def telephone_part(text: str) -> str:
    """A value behind `tel:` (RFC 3966 §3); people write numbers with spaces."""
    return quote("".join(text.split()), safe="+()")


PART_ESCAPES = {"mailto": mailbox_part, "tel": telephone_part}


def address_pieces(
    program: Program, schemes: frozenset[str], escape: Escape
) -> Program:
    """The content of an `href` or `src` as pieces that can be filled safely.

    With a constant scheme in front nothing a value holds can change what kind of
    address it is; otherwise the whole is checked whenever it is filled. Raises
    `ValueError` when a scheme that is written there is not allowed.
    """
    for start in _written_starts(program):
        if scheme_of(start) not in schemes:
            raise ValueError(start)
    if program and isinstance(program[0], str):
        part = PART_ESCAPES.get(scheme_of(program[0]), address_part)
        return changed(program, lambda piece: _escaped_part(piece, part, escape))
    return (Address(_with_part_slots(program, leading=True), schemes, escape),)


def _written_starts(program: Program) -> list[str]:
    """What the address begins with, in every branch where that is a constant."""
    first = program[0] if program else None
    if isinstance(first, str):
        return [first]
    if isinstance(first, Choice):
        return [
            start
            for branch in first.branches
            for start in _written_starts(branch.program)
        ]
    return []


def _escaped_part(piece: Piece, part: Escape, escape: Escape) -> Piece:
    if isinstance(piece, Slot):
        return Slot(piece.expression, part)
    return escape(piece) if isinstance(piece, str) else piece


def _with_part_slots(program: Program, *, leading: bool) -> Program:
    """A slot at the very beginning holds an address, any other a part of one."""
    pieces: list[Piece] = []
    for piece in program:
        pieces.append(_slot_of_address(piece, leading=leading))
        leading = False
    return joined(tuple(pieces))


def _slot_of_address(piece: Piece, *, leading: bool) -> Piece:
    if isinstance(piece, Slot):
        return Slot(piece.expression, whole_address if leading else address_part)
    if isinstance(piece, Choice):
        return piece.with_programs(
            lambda program: _with_part_slots(program, leading=leading)
        )
    return piece


def checked(address: str, schemes: frozenset[str]) -> str:
    """The filled address; raises `RenderError` when its scheme is not allowed.

    People write "www.example.com" where they are asked for a web site.
    """
    scheme = scheme_of(address)
    if not scheme and begins_with_host(address):
        return f"https://{address}"
    if scheme not in schemes:
        raise RenderError(f"“{address[:100]}” is not an address that may be used.")
    return address


def begins_with_host(address: str) -> bool:
    """Whether it is "name.example/…": labels with letters, a last one of letters."""
    labels = unquote(_HOST_END.split(address, maxsplit=1)[0]).split(".")
    return (
        len(labels) > 1
        and all(label.replace("-", "").isalnum() for label in labels)
        and labels[-1].isalpha()
    )


def decoded_attribute(text: str) -> str:
    """Character references decoded as in an attribute (HTML standard, 13.2.5.73).

    There `&copy=1` is a query parameter, not a ©.
    """
    return _REFERENCE.sub(lambda reference: html.unescape(reference[0]), text)


_REFERENCE = re.compile(r"&(?:#\w+;?|[A-Za-z]\w*;|[A-Za-z]\w*(?![\w=;]))")
