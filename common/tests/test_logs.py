"""Addresses in logs are masked, in messages, arguments and tracebacks."""

from __future__ import annotations

import logging
import sys

import pytest

from common.logs import MaskingFormatter, masked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("to anna.smith@example.com failed", "to a…@e….com failed"),
        ("<anna@mail.example.co.uk>:", "<a…@m….uk>:"),
        ("(address)=(anna@example.com) exists", "(address)=(a…@e….com) exists"),
        ("an @ alone, me@localhost", "an @ alone, me@localhost"),
    ],
)
def test_addresses_are_masked(text, shown):
    assert masked(text) == shown


def test_arguments_and_tracebacks_are_masked():
    try:
        raise ValueError("no mailbox bob@example.org")
    except ValueError:
        record = logging.LogRecord(
            "x", logging.ERROR, "x", 1, "to %s", ("anna@example.com",), sys.exc_info()
        )
    text = MaskingFormatter("%(levelname)s %(message)s").format(record)

    assert text.startswith("ERROR to a…@e….com")
    assert "no mailbox b…@e….org" in text
    assert "@example" not in text


def test_the_form_of_another_formatter_is_kept():
    inner = logging.Formatter("[%(name)s] %(message)s")
    record = logging.LogRecord("x", 20, "x", 1, "anna@example.com", (), None)

    assert MaskingFormatter(inner=inner).format(record) == "[x] a…@e….com"
