"""Cells of the admin's lists that say themselves what they hold."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import mark_safe
from django.utils.text import capfirst

register = template.Library()
# A cell without a value; a table has to show something there, a phone has not.
BLANK = re.compile(r"<td[^>]*>\s*[-–]?\s*</td>")


@register.filter
def labelled(cells: Iterable[str], headers: Iterable[dict[str, Any]]) -> list[str]:
    """On a phone the head of a table is not beside its cells: each brings its own.

    Both come as Django's `result_list` has made them.
    """
    return [
        mark_safe(str(cell).replace("<td", beginning_of(str(cell), header), 1))
        for cell, header in zip(cells, headers, strict=False)
    ]


def beginning_of(cell: str, header: dict[str, Any]) -> str:
    label = format_html('<td data-label="{}"', capfirst(str(header["text"])))
    return label + mark_safe(" data-blank") if BLANK.fullmatch(cell) else label
