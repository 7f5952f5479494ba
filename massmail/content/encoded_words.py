"""Text in header fields: folded when it is plain ASCII, else as RFC 2047 says."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

MAX_LINE_LENGTH = 76  # RFC 2047 §2 for lines with encoded words
MAX_WORD_LENGTH = 75

is_printable_ascii = re.compile(r"[ -~]*").fullmatch

# RFC 2047 §5 (3): what may stand in a word that replaces a word of a phrase.
_Q_SAFE = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/"
)
_Q_BYTES = [
    "_" if byte == 32 else chr(byte) if byte in _Q_SAFE else f"={byte:02X}"
    for byte in range(256)
]


@dataclass(frozen=True)
class WordEncoding:
    """`cost` of a character adds up; `length` is that of the word for a total."""

    encode: Callable[[str], str]
    cost: Callable[[str], int]
    length: Callable[[int], int]


def _encode_q(text: str) -> str:
    return f"=?utf-8?q?{_q(text)}?="


def _q(text: str) -> str:
    return "".join([_Q_BYTES[byte] for byte in text.encode()])


def _encode_b(text: str) -> str:
    return f"=?utf-8?b?{base64.b64encode(text.encode()).decode('ascii')}?="


_FRAME = len("=?utf-8?b??=")
Q = WordEncoding(_encode_q, lambda text: len(_q(text)), lambda cost: _FRAME + cost)
B = WordEncoding(
    _encode_b,
    lambda text: len(text.encode()),
    lambda cost: _FRAME + (cost + 2) // 3 * 4,
)


def unstructured(text: str, used: int) -> str:
    """The text as it continues a line of `used` characters."""
    if is_printable_ascii(text) and "=?" not in text:
        if used + len(text) <= MAX_LINE_LENGTH:
            return text
        words = text.split(" ")
        if all(0 < len(word) < MAX_LINE_LENGTH - used for word in words):
            return _folded(words, used)
    return encoded_words(text, used)


def _folded(words: list[str], used: int) -> str:
    line, lines = words[0], []
    for word in words[1:]:
        if used + len(line) + 1 + len(word) > MAX_LINE_LENGTH:
            lines.append(line)
            line, used = word, 1
        else:
            line = f"{line} {word}"
    return "\r\n ".join([*lines, line])


def encoded_words(text: str, used: int) -> str:
    """Words of whole characters, each of at most 75 bytes.

    Q while most of the text is readable in it, otherwise B.
    """
    is_mostly_ascii = sum(map(str.isascii, text)) * 3 >= len(text) * 2
    encoding = Q if is_mostly_ascii else B
    word = encoding.encode(text)
    if len(word) <= min(MAX_WORD_LENGTH, MAX_LINE_LENGTH - used):
        return word
    return "\r\n ".join(map(encoding.encode, _chunks(text, encoding, used)))


def _chunks(text: str, encoding: WordEncoding, used: int) -> Iterator[str]:
    """Pieces that fit a word each; the first shares its line with the field name."""
    room = min(MAX_WORD_LENGTH, MAX_LINE_LENGTH - used)
    start = cost = 0
    for index, character in enumerate(text):
        added = encoding.cost(character)
        if index > start and encoding.length(cost + added) > room:
            yield text[start:index]
            start, cost, room = index, 0, MAX_WORD_LENGTH
        cost += added
    yield text[start:]
