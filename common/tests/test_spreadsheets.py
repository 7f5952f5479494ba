"""Cells of spreadsheets."""

from __future__ import annotations

import pytest

from common.spreadsheets import cell_text, guarded


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_text_is_a_formula(start):
    assert guarded(f"{start}cmd|' /C calc'!A0")[0] == "'"


@pytest.mark.parametrize("text", ["=1", "+49 30", "-", "'quoted'", "plain", ""])
def test_a_guarded_text_comes_back_as_it_was(text):
    assert cell_text(guarded(text)) == text


def test_a_control_character_hides_no_formula():
    assert guarded("\x01=1") == "'=1"


def test_other_values_are_left_alone_and_read_as_text():
    assert guarded(7) == 7
    assert (cell_text(None), cell_text(4930123.0), cell_text(1.5)) == (
        *("", "4930123"),
        "1.5",
    )
