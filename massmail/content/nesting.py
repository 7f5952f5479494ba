"""Limits of HTML that would take its readers too long.

Parsers and inliners take quadratic time in the depth, and open again in every
paragraph what was left open in one before.
"""

from __future__ import annotations

from collections import Counter

from django.utils.translation import gettext as _

from massmail.content.vocabulary import (
    FORMATTING_ELEMENTS,
    SELF_CLOSING_ELEMENTS,
    VOID_ELEMENTS,
)
from massmail.exceptions import MessageTemplateError

MAX_DEPTH = 200
MAX_ELEMENTS = 20_000
MAX_FORMATTING = 50_000  # formatting elements around all elements, added up


class Nesting:
    """Counts elements as they open and close; raises `MessageTemplateError`."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self._elements = self._formatting = 0

    def open(self, name: str) -> None:
        if name not in VOID_ELEMENTS and name not in SELF_CLOSING_ELEMENTS:
            self._open[name] += 1
        self._elements += 1
        self._formatting += sum(self._open[name] for name in FORMATTING_ELEMENTS)
        if self._open.total() > MAX_DEPTH or self._formatting > MAX_FORMATTING:
            raise MessageTemplateError(_("The HTML is nested too deep."))
        if self._elements > MAX_ELEMENTS:
            text = _("The HTML has more than %(count)d elements.")
            raise MessageTemplateError(text % {"count": MAX_ELEMENTS})

    def close(self, name: str) -> None:
        if self._open[name]:
            self._open[name] -= 1
