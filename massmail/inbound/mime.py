"""The parts of a mail, as much of them as a report needs, within limits.

Mail that comes back is cut, mangled and hostile. This reads what is there: each step
goes over the bytes once, and none raises but for `TooMuch`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from massmail.inbound.decoding import decoded, transferred, words

# More is no report. Of a smaller mail the beginning is read: what a report says, and
# the head of the mail that it returns, stand before that mail's pictures.
MOST_BYTES = 64 * 2**20
READ_BYTES = 2**20
MOST_PARTS = 100
MOST_DEPTH = 10
MOST_FIELDS = 1000
MOST_VALUE = 20_000

FIELD = re.compile(r"([!-9;-~]+)[ \t]*:(.*)", re.DOTALL)
PARAMETER = re.compile(
    r';\s*([\w!#$&+.^-]+)(?:\*\d+)?\*?\s*=\s*("(?:[^"\\]|\\.)*"|[^;\s]*)'
)


class TooMuch(ValueError):
    """The mail is larger or deeper than any report; the text says in what."""


class Fields:
    """The header fields of a part, or a group of a report; names in any case."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self.pairs = pairs

    def __bool__(self) -> bool:
        return bool(self.pairs)

    def __contains__(self, name: str) -> bool:
        return any(known == name for known, _value in self.pairs)

    def raw(self, name: str) -> str:
        """The first of that name, as it stands there; "" when there is none."""
        return next((value for known, value in self.pairs if known == name), "")

    def get(self, name: str) -> str:
        """The first of that name, unfolded and in clear."""
        return words(self.raw(name)[:MOST_VALUE])

    def all(self, name: str) -> list[str]:
        return [value for known, value in self.pairs if known == name]


@dataclass(frozen=True, slots=True)
class Part:
    """A part that has no parts, or a mail inside of a mail."""

    fields: Fields
    content_type: str
    body: bytes

    @property
    def text(self) -> str:
        """As its encoding and its charset say."""
        data = transferred(self.body, self.fields.get("content-transfer-encoding"))
        # What stands in a `message/…` says its charset itself.
        value = self.fields.get("content-type")
        charset = "" if is_message(self.content_type) else parameter(value, "charset")
        return decoded(data, charset)


def read(raw: bytes) -> tuple[Fields, list[Part]]:
    """The mail's own fields, and its parts in their order."""
    if len(raw) > MOST_BYTES:
        raise TooMuch(f"larger than {MOST_BYTES // 2**20} MB")
    data = raw[:READ_BYTES].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if data.startswith((b"From ", b">From ")):
        # A pipe may put the line of a mailbox file in front.
        data = data.partition(b"\n")[2]
    parts = []
    for part in parts_of(data, default="text/plain"):
        parts.append(part)
        if len(parts) > MOST_PARTS:
            raise TooMuch(f"more than {MOST_PARTS} parts")
    return head_of(data)[0], parts


def parts_of(data: bytes, *, default: str, depth: int = 0) -> Iterator[Part]:
    if depth > MOST_DEPTH:
        raise TooMuch(f"nested deeper than {MOST_DEPTH} parts")
    fields, body = head_of(data)
    value = fields.get("content-type") or default
    name = type_of(value) or default
    boundary = parameter(value, "boundary")
    pieces = split(body, boundary) if name.startswith("multipart/") else []
    if not pieces:
        yield Part(fields, name, body)
        return
    inner = "message/rfc822" if name == "multipart/digest" else "text/plain"
    for piece in pieces:
        yield from parts_of(piece, default=inner, depth=depth + 1)


def split(body: bytes, boundary: str) -> list[bytes]:
    """What stands between the lines of a boundary; the last one may be cut."""
    if not boundary:
        return []
    line = rb"^--" + re.escape(boundary.encode("utf-8", "replace"))
    pieces, start = [], None
    for found in re.finditer(line + rb"(--)?[ \t]*(?:\n|\Z)", body, re.MULTILINE):
        if start is not None:
            pieces.append(body[start : found.start()])
        start = None if found[1] else found.end()
        if found[1] or len(pieces) > MOST_PARTS:
            break
    if start is not None:
        pieces.append(body[start:])
    return pieces


def head_of(data: bytes) -> tuple[Fields, bytes]:
    """Fields, and what comes behind them: a line that is none ends them, too."""
    pairs: list[tuple[str, str]] = []
    position = 0
    while position < len(data) and len(pairs) < MOST_FIELDS:
        end = end_of_field(data, position)
        line = data[position:end].decode("utf-8", "replace")
        found = FIELD.fullmatch(line.rstrip("\n"))
        if found is None:
            break
        pairs.append((found[1].lower(), found[2].strip()))
        position = end
    rest = data[position:]
    return Fields(pairs), rest.removeprefix(b"\n")


def end_of_field(data: bytes, start: int) -> int:
    """Behind the line that begins there, and the lines that continue it."""
    end = data.find(b"\n", start) + 1
    while end and data[end : end + 1] in (b" ", b"\t"):
        following = data.find(b"\n", end) + 1
        if not data[end : following or None].strip():
            # A line of spaces is the empty line that ends the fields.
            return end
        end = following
    return end or len(data)


def fields_of(text: str) -> Fields:
    """The fields at the beginning of a text."""
    return head_of(text.lstrip("\n").encode("utf-8", "replace"))[0]


def type_of(value: str) -> str:
    """`text/plain` of a Content-Type; "" for none."""
    name = re.split(r"[;\s(]", value.strip().lower(), maxsplit=1)[0]
    return name if "/" in name else ""


def parameter(value: str, name: str) -> str:
    """Of a Content-Type, its parts (RFC 2231) joined; "" when it has none."""
    found = [
        unquoted(text)
        for known, text in PARAMETER.findall(value)
        if known.lower() == name
    ]
    return "".join(found)


def unquoted(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text


def is_message(content_type: str) -> bool:
    return content_type.startswith("message/")
