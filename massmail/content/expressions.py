"""`{{ name|filter:"text" }}` and the conditions of `{% if %}`, parsed and evaluated.

Only plain names and constants: no dots, no underscores in front, no calls, so an
expression reaches nothing but the flat dictionary of the recipient's values.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from django.template import TemplateSyntaxError
from django.utils.translation import gettext as _

from massmail.content.filters import FILTERS
from massmail.content.values import Value, Values, text_of

MAX_FILTERS = 8
MAX_ARGUMENT_LENGTH = 500  # characters

NAME = r"[A-Za-z][A-Za-z0-9_]{0,63}"
STRING = r'"[^"\\]*"|\'[^\'\\]*\''
_NAME = re.compile(NAME)
_STRING = re.compile(STRING)
_FILTER = re.compile(
    rf"\s*\|\s*({NAME})(?:\s*:\s*({STRING}|[0-9]{{1,18}}))?(?=\s*(?:\||$))"
)


@dataclass(frozen=True)
class Expression:
    """A variable with its filters, each closed over its argument."""

    # Django's parser looks for dots in what says that it is one of its variables.
    is_var: ClassVar[bool] = False

    name: str
    filters: tuple[Callable[[Value], Value], ...] = ()
    has_fallback: bool = False

    def prints_only(self, name: str) -> bool:
        """Whether it is the bare variable of that name."""
        return self.name == name and not self.filters

    def text(self, values: Values) -> str:
        """One line; may raise `RenderError`."""
        value = values.get(self.name)
        for apply in self.filters:
            value = apply(value)
        return text_of(value)


def parse_expression(source: str) -> Expression:
    """Raises `TemplateSyntaxError` for anything but a name and known filters."""
    match = _NAME.match(source)
    if not match:
        raise TemplateSyntaxError(
            _("“%(text)s” is not a variable.") % {"text": source[:60]}
        )
    names, filters = [], []
    position = match.end()
    while position < len(source):
        name, apply, position = _parse_filter(source, position)
        names.append(name)
        filters.append(apply)
    if len(filters) > MAX_FILTERS:
        raise TemplateSyntaxError(
            _("More than %(count)d filters on one variable.") % {"count": MAX_FILTERS}
        )
    return Expression(match[0], tuple(filters), "default" in names)


def _parse_filter(
    source: str, position: int
) -> tuple[str, Callable[[Value], Value], int]:
    match = _FILTER.match(source, position)
    if not match:
        rest = {"text": source[position:].strip()[:60]}
        raise TemplateSyntaxError(_("“%(text)s” is not understood.") % rest)
    name, argument = match[1], _constant(match[2])
    known = FILTERS.get(name)
    if known is None:
        raise TemplateSyntaxError(
            _("The filter “%(name)s” is not available.") % {"name": name}
        )
    if not known.takes(argument):
        raise TemplateSyntaxError(
            _("The filter “%(name)s” cannot be used so.") % {"name": name}
        )
    return name, _bind(known.function, argument), match.end()


def _bind(
    function: Callable[..., Value], argument: str | int | None
) -> Callable[[Value], Value]:
    if argument is None:
        return function
    return lambda value: function(value, argument)


def _constant(source: str | None) -> str | int | None:
    if source is None:
        return None
    return int(source) if source.isdigit() else _text(source)


def _text(source: str) -> str:
    """Without its quotes."""
    if len(source) > MAX_ARGUMENT_LENGTH:
        raise TemplateSyntaxError(
            _("A text of more than %(count)d characters in a tag.")
            % {"count": MAX_ARGUMENT_LENGTH}
        )
    return source[1:-1]


@dataclass(frozen=True)
class Operand:
    """A name or a constant text in a condition."""

    name: str | None
    constant: str = ""

    def text(self, values: Values) -> str:
        return self.constant if self.name is None else text_of(values.get(self.name))


def parse_operand(source: str) -> Operand:
    if _NAME.fullmatch(source):
        return Operand(source)
    if _STRING.fullmatch(source):
        return Operand(None, _text(source))
    raise TemplateSyntaxError(
        _("A condition compares variables and texts in quotes, not “%(text)s”.")
        % {"text": source[:60]}
    )
