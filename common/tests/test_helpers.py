"""Small functions without a subject of their own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.utils.helpers import chunked, mask_address, one_line


def test_chunks_hold_everything_in_order():
    assert list(chunked(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(chunked([], 2)) == []


def test_chunks_are_made_one_at_a_time():
    def endless():
        while True:
            yield 1

    assert next(chunked(endless(), 3)) == [1, 1, 1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\r\nBcc: b", "a Bcc: b"),
        ("  tab\there ", "tab here"),
        ("nul\0 line\u2028para\u2029", "nul line para"),
        (None, "None"),
        ("", ""),
    ],
)
def test_one_line_has_no_breaks_or_control_characters(text, expected):
    assert one_line(text) == expected


def test_a_long_line_is_cut_and_says_so():
    assert one_line("abcdef", 4) == "abc…"
    assert one_line("abcd", 4) == "abcd"


@given(st.text())
def test_one_line_is_short_printable_and_stable(text):
    line = one_line(text, 20)

    assert len(line) <= 20
    assert line.splitlines() in ([], [line])
    assert one_line(line, 20) == line


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("anna@example.com", "a…@e….com"),
        ("a@b.co.uk", "a…@b….uk"),
        ("ж@почта.рф", "ж…@п….рф"),
        ("nobody", "…"),
        ("root@localhost", "…"),
        ("", "…"),
    ],
)
def test_a_masked_address_tells_its_owner_and_no_stranger(address, masked):
    assert mask_address(address) == masked
