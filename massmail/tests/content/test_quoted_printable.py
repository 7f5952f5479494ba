"""Pieces of quoted-printable can be put side by side."""

from __future__ import annotations

import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massmail.content.quoted_printable import encode_constant, encode_value

TEXT = st.text(
    st.one_of(
        st.sampled_from("ab .=\t\n-é😀"), st.characters(exclude_categories=["Cs"])
    )
).map(lambda text: text.replace("\r", ""))
LONG_TEXT = st.lists(TEXT, max_size=9).map(lambda texts: ("x" * 20).join(texts))


def decoded(encoded: bytes) -> str:
    return quopri.decodestring(encoded).decode().replace("\r\n", "\n")


@given(LONG_TEXT, LONG_TEXT, LONG_TEXT)
def test_pieces_join_to_the_whole(before, value, after):
    encoded = encode_constant(before) + encode_value(value) + encode_constant(after)
    encoded += encode_constant("\n")

    lines = encoded.split(b"\r\n")
    assert decoded(encoded) == f"{before}{value}{after}\n"
    assert encoded.isascii()
    assert all(len(line) <= 76 for line in lines)
    assert not any(line.endswith((b" ", b"\t")) for line in lines)
    assert not any(line.startswith(b".") for line in lines)
    assert b"\r" not in b"".join(lines)
    assert b"\n" not in b"".join(lines)


ODD = st.text(st.sampled_from("x =.é😀\t\n\r\0\x0b\x85\u2028"), max_size=8)


@given(st.lists(st.tuples(st.integers(0, 80), ODD), max_size=4))
def test_no_line_of_any_text_is_longer_than_76_characters(parts):
    """Where white space before a line break is encoded, too, and in any value."""
    text = "".join("x" * length + odd for length, odd in parts)

    for encode in (encode_constant, encode_value):
        encoded = encode(text)

        assert all(len(line) <= 76 for line in encoded.split(b"\r\n"))
        assert b"\r" not in encoded.replace(b"\r\n", b"")
        lines = text.replace("\r\n", "\n").replace("\r", "\n")
        assert decoded(encoded + b"\r\n") == lines + "\n"


@pytest.mark.parametrize("length", range(60, 90))
@pytest.mark.parametrize("end", ["", "=", "é", " ", "\t", ".", " \n", "\n", "\n\n"])
@pytest.mark.parametrize("encode", [encode_constant, encode_value])
def test_lines_of_every_length_fit(encode, length, end):
    text = "x" * length + end

    encoded = encode(text)

    assert all(len(line) <= 76 for line in encoded.split(b"\r\n"))
    assert decoded(encoded + b"\r\n") == text + "\n"


@pytest.mark.parametrize("text", [".", "..", ".nl", "." * 100, ". ", ".é", ".="])
def test_a_dot_at_the_start_of_a_line_is_encoded(text):
    value, constant = encode_value(text), encode_constant(f"a\n{text}\n{text}")

    for encoded, meant in ((value, text), (constant, f"a\n{text}\n{text}")):
        assert not encoded.startswith(b".")
        assert b"\n." not in encoded
        assert all(len(line) <= 76 for line in encoded.split(b"\r\n"))
        assert decoded(encoded + b"\r\n") == meant + "\n"


def test_nothing_is_encoded_as_nothing():
    assert encode_constant("") == b""
    assert encode_value("") == b""


def test_every_kind_of_line_break_becomes_crlf():
    assert encode_constant("a\r\nb\nc\rd") == b"a\r\nb\r\nc\r\nd=\r\n"
