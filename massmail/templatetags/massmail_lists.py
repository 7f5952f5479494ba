"""Cells of the admin's lists that say themselves what they hold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import mark_safe
from django.utils.text import capfirst

register = template.Library()


@register.filter
def labelled(cells: Iterable[str], headers: Iterable[dict[str, Any]]) -> list[str]:
    """On a phone the head of a table is not beside its cells: each brings its own.

    Both come as Django's `result_list` has made them.
    """
    return [
        mark_safe(str(cell).replace("<td", label_of(header), 1))
        for cell, header in zip(cells, headers, strict=False)
    ]


def label_of(header: dict[str, Any]) -> str:
    """The beginning of a cell in that column."""
    return format_html('<td data-label="{}"', capfirst(str(header["text"])))
