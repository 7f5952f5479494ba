"""Conditions of `{% if %}`: and, or, not, ==, !=, in, not in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from django.template import TemplateSyntaxError
from django.utils.translation import gettext as _

from massmail.content.expressions import Operand, parse_operand
from massmail.content.values import Values

MAX_WORDS = 60
KEYWORDS = frozenset({"and", "or", "not", "in", "==", "!="})

Names = frozenset[str]
NO_NAMES: Names = frozenset()


class Condition(Protocol):
    """What `{% if %}` asks."""

    @property
    def names(self) -> Names: ...

    def holds(self, values: Values) -> bool: ...


@dataclass(frozen=True)
class Filled:
    """`{% if name %}`: the value is not empty."""

    operand: Operand

    @property
    def names(self) -> Names:
        return _names_of(self.operand)

    def holds(self, values: Values) -> bool:
        return bool(self.operand.text(values).strip())


@dataclass(frozen=True)
class Compared:
    """Equal to, or part of."""

    left: Operand
    right: Operand
    contained: bool = False

    @property
    def names(self) -> Names:
        return _names_of(self.left) | _names_of(self.right)

    def holds(self, values: Values) -> bool:
        left, right = self.left.text(values), self.right.text(values)
        return left in right if self.contained else left == right


@dataclass(frozen=True)
class Negated:
    condition: Condition

    @property
    def names(self) -> Names:
        return self.condition.names

    def holds(self, values: Values) -> bool:
        return not self.condition.holds(values)


@dataclass(frozen=True)
class All:
    """Joined by `and`."""

    conditions: tuple[Condition, ...]

    @property
    def names(self) -> Names:
        return NO_NAMES.union(*(one.names for one in self.conditions))

    def holds(self, values: Values) -> bool:
        return all(one.holds(values) for one in self.conditions)


@dataclass(frozen=True)
class Either:
    """Joined by `or`."""

    conditions: tuple[Condition, ...]

    @property
    def names(self) -> Names:
        return NO_NAMES.union(*(one.names for one in self.conditions))

    def holds(self, values: Values) -> bool:
        return any(one.holds(values) for one in self.conditions)


def _names_of(operand: Operand) -> Names:
    return NO_NAMES if operand.name is None else frozenset({operand.name})


def parse_condition(words: Sequence[str]) -> Condition:
    """Words as they stand in the tag; raises `TemplateSyntaxError`.

    `not` binds closer than `and`, `and` closer than `or`; there are no brackets,
    so one split by `or` and one by `and` are the whole grammar.
    """
    if not words or len(words) > MAX_WORDS:
        raise TemplateSyntaxError(
            _("A condition has between 1 and %(count)d words.") % {"count": MAX_WORDS}
        )
    either = [_parse_all(part) for part in _split(words, "or")]
    return either[0] if len(either) == 1 else Either(tuple(either))


def _split(words: Sequence[str], keyword: str) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for word in words:
        if word == keyword:
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


def _parse_all(words: Sequence[str]) -> Condition:
    conditions = [_parse_negatable(part) for part in _split(words, "and")]
    return conditions[0] if len(conditions) == 1 else All(tuple(conditions))


def _parse_negatable(words: Sequence[str]) -> Condition:
    negations = 0
    while negations < len(words) and words[negations] == "not":
        negations += 1
    condition = _parse_comparison(words[negations:])
    return Negated(condition) if negations % 2 else condition


def _parse_comparison(words: Sequence[str]) -> Condition:
    if len(words) == 1 and words[0] not in KEYWORDS:
        return Filled(parse_operand(words[0]))
    if len(words) not in (3, 4) or words[0] in KEYWORDS or words[-1] in KEYWORDS:
        raise TemplateSyntaxError(_("The condition is not understood."))
    left, right = parse_operand(words[0]), parse_operand(words[-1])
    match words[1:-1]:
        case ["=="]:
            return Compared(left, right)
        case ["!="]:
            return Negated(Compared(left, right))
        case ["in"]:
            return Compared(left, right, contained=True)
        case ["not", "in"]:
            return Negated(Compared(left, right, contained=True))
    raise TemplateSyntaxError(
        _("“%(text)s” cannot be used in a condition.") % {"text": words[1]}
    )
