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


@given(LONG_TEXT, LONG_TEXT.map(lambda text: text.replace("\n", "")), LONG_TEXT)
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


@pytest.mark.parametrize("length", range(60, 90))
@pytest.mark.parametrize("end", ["", "=", "é", " ", "\t", ".", " \n", "\n", "\n\n"])
def test_lines_of_every_length_fit(length, end):
    text = "x" * length + end

    encoded = encode_constant(text)

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
