"""Bytes of unknown origin as text; nothing here raises, whatever they are."""

from __future__ import annotations

import binascii
import html
import re

# Python's names for codecs that are no character sets of mail: some raise all the
# same, some warn, and one takes a long time for much.
NO_CHARSETS = re.compile(r"idna|punycode|escape|undefined|mbcs|oem", re.IGNORECASE)
ENCODED_WORD = re.compile(r"=\?([^?\s]{1,40})\?([bBqQ])\?([^?]*)\?=")
BETWEEN_WORDS = re.compile(r"(\?=)\s+(?==\?)")
FOLD = re.compile(r"\n[ \t]*")
# Controls, and halves of pairs that no database stores.
UNWANTED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
SPACES = re.compile(r"\s+")
# None of them goes on behind the next one's beginning: each letter is read once.
TAG = re.compile(r"<(?:style|script)\b[^<>]*>[^<]*|<[^<>]*>", re.IGNORECASE)
LINE_ENDING_TAG = re.compile(r"<(br|/?p|/?div|/?tr|/?li|/?h\d)\b[^<>]*>", re.IGNORECASE)


def decoded(data: bytes, charset: str = "") -> str:
    """As its charset says, if that is one; else as UTF-8. Lines end with a newline."""
    name = charset.strip().strip("\"'") or "utf-8"
    try:
        if NO_CHARSETS.search(name):
            raise LookupError(name)
        return data.decode(name, "replace")
    except (LookupError, ValueError):
        return data.decode("utf-8", "replace")


def transferred(data: bytes, encoding: str) -> bytes:
    """Without its Content-Transfer-Encoding, as far as that can be read."""
    name = encoding.strip().lower()
    if name == "base64":
        return from_base64(data)
    if name == "quoted-printable":
        return binascii.a2b_qp(data)
    return data


def from_base64(data: bytes) -> bytes:
    letters = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
    # A single letter more than groups of four holds no byte.
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))


def words(value: str) -> str:
    """A header field's value with its encoded words (RFC 2047) in clear, unfolded."""
    joined = BETWEEN_WORDS.sub(r"\1", FOLD.sub(" ", value))
    return ENCODED_WORD.sub(one_word, joined).strip()


def one_word(found: re.Match[str]) -> str:
    charset, encoding, text = found.groups()
    data = text.encode("ascii", "replace")
    read = from_base64(data) if encoding in "bB" else from_q(data)
    return decoded(read, charset.partition("*")[0])


def from_q(data: bytes) -> bytes:
    return binascii.a2b_qp(data, header=True)


def plain(text: str) -> str:
    """What a page of HTML says."""
    lines = LINE_ENDING_TAG.sub("\n", text)
    return html.unescape(TAG.sub(" ", lines))


def one_line(text: str, length: int) -> str:
    """As a database can store it: no controls, no halves of letters."""
    return SPACES.sub(" ", UNWANTED.sub(" ", text)).strip()[:length]
