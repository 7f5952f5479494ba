"""Files of text, whatever program wrote them."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.utils.decoding import decoded


@pytest.mark.parametrize(
    "content",
    [
        "Grüße".encode(),
        codecs.BOM_UTF8 + "Grüße".encode(),
        codecs.BOM_UTF16_LE + "Grüße".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + "Grüße".encode("utf-16-be"),
        "Grüße".encode("cp1252"),
    ],
)
def test_the_words_are_the_same_in_each_encoding(content):
    assert decoded(content) == "Grüße"


@given(st.binary(max_size=40))
def test_no_file_is_an_error(content):
    assert isinstance(decoded(content), str)


def test_half_a_character_at_the_end_is_no_error():
    assert decoded(codecs.BOM_UTF16_LE + b"a\0b") == "a\ufffd"
