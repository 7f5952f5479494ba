"""A template as a sequence of pieces: constants, slots, choices, addresses.

The pieces are what remains of a message after parsing. They are made once per
message version; `personalization` fills them for each recipient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import cast

from django.template.base import NodeList, TextNode, VariableNode

from massmail.content.conditions import NO_NAMES, Condition, Names
from massmail.content.expressions import Expression
from massmail.content.nodes import ChoiceNode, ImageNode, SignatureNode
from massmail.content.values import Values, is_empty

Escape = Callable[[str], str]


def as_it_is(text: str) -> str:
    return text


@dataclass(frozen=True)
class Slot:
    """A variable, escaped for its place."""

    expression: Expression
    escape: Escape


@dataclass(frozen=True)
class Branch:
    """`condition` None: `else`."""

    condition: Condition | None
    program: Program


@dataclass(frozen=True)
class Choice:
    """`{% if %}`: the first branch that holds, or nothing."""

    branches: tuple[Branch, ...]

    @property
    def always_shows_one(self) -> bool:
        return self.branches[-1].condition is None

    def with_programs(self, change: Callable[[Program], Program]) -> Choice:
        """The same conditions over changed branches."""
        return Choice(
            tuple(
                Branch(branch.condition, change(branch.program))
                for branch in self.branches
            )
        )

    def taken(self, values: Values) -> Program:
        for branch in self.branches:
            if branch.condition is None or branch.condition.holds(values):
                return branch.program
        return ()


@dataclass(frozen=True)
class Address:
    """A link target or picture address that begins with a variable.

    Its scheme is known only when it is filled, so it is checked as a whole then;
    `escape` comes last.
    """

    program: Program
    schemes: frozenset[str]
    escape: Escape


@dataclass(frozen=True)
class ImageReference:
    """`{% cid_NAME %}`."""

    name: str


@dataclass(frozen=True)
class SignaturePlace:
    """`{% signature %}`."""


# They have a meaning only in certain places of the HTML and the text.
SPECIAL_PIECES = (ImageReference, SignaturePlace)

Piece = str | Slot | Choice | Address | ImageReference | SignaturePlace
Program = tuple[Piece, ...]


def program_of(nodes: NodeList, escape: Escape) -> Program:
    """The parsed nodes as pieces; constants stay as they are written."""
    return joined(_piece_of(node, escape) for node in nodes)


def _piece_of(node: object, escape: Escape) -> Piece:
    match node:
        case TextNode():
            return node.s
        case VariableNode():
            return Slot(cast(Expression, node.filter_expression), escape)
        case ChoiceNode():
            return Choice(
                tuple(
                    Branch(source.condition, program_of(source.nodes, escape))
                    for source in node.branches
                )
            )
        case ImageNode():
            return ImageReference(node.name)
        case SignatureNode():
            return SignaturePlace()
    raise TypeError(f"{type(node).__name__} is no node of a message")


def is_image(program: Program) -> bool:
    return len(program) == 1 and isinstance(program[0], ImageReference)


def joined(pieces: Iterable[Piece | Program]) -> Program:
    """Neighbouring constants as one, tuples spread out, empty constants left out."""
    result: list[Piece] = []
    for piece in _spread(pieces):
        last = result[-1] if result else None
        if isinstance(piece, str) and isinstance(last, str):
            result[-1] = last + piece
        elif piece != "":
            result.append(piece)
    return tuple(result)


def _spread(pieces: Iterable[Piece | Program]) -> Iterator[Piece]:
    for piece in pieces:
        if isinstance(piece, tuple):
            yield from piece
        else:
            yield piece


def changed(program: Program, change: Callable[[Piece], Piece | Program]) -> Program:
    """The program with every piece that is no choice put through `change`."""

    def of_piece(piece: Piece) -> Piece | Program:
        if not isinstance(piece, Choice):
            return change(piece)
        return piece.with_programs(lambda program: changed(program, change))

    return joined(of_piece(piece) for piece in program)


def escaped(program: Program, escape: Escape) -> Program:
    """A program of plain text for another place: constants and slots escaped."""

    def of_piece(piece: Piece) -> Piece:
        if isinstance(piece, Slot):
            return Slot(piece.expression, escape)
        return escape(piece) if isinstance(piece, str) else piece

    return changed(program, of_piece)


def pieces_in(program: Program) -> Iterator[Piece]:
    """Every piece, at every depth; a choice before its branches."""
    for piece in program:
        yield piece
        if isinstance(piece, Choice):
            for branch in piece.branches:
                yield from pieces_in(branch.program)
        elif isinstance(piece, Address):
            yield from pieces_in(piece.program)


def used_names(program: Program) -> Names:
    """Names that are printed or tested."""
    names = set()
    for piece in pieces_in(program):
        if isinstance(piece, Slot):
            names.add(piece.expression.name)
        elif isinstance(piece, Choice):
            for branch in piece.branches:
                names |= branch.condition.names if branch.condition else NO_NAMES
    return frozenset(names)


def printed_names(program: Program) -> Names:
    """Names printed without a fallback anywhere, whatever an `if` may say."""
    slots = (piece for piece in pieces_in(program) if isinstance(piece, Slot))
    return frozenset(
        slot.expression.name for slot in slots if not slot.expression.has_fallback
    )


def required_names(program: Program) -> Names:
    """Names that every copy prints without a fallback, whatever its values are.

    What an `if` prints in some copies only is known when a copy is made.
    """
    names: set[str] = set()
    for piece in program:
        if isinstance(piece, Slot) and not piece.expression.has_fallback:
            names.add(piece.expression.name)
        elif isinstance(piece, Address):
            names |= required_names(piece.program)
        elif isinstance(piece, Choice):
            names |= _required_in_choice(piece)
    return frozenset(names)


def _required_in_choice(choice: Choice) -> Names:
    """What all branches print, if one of them is taken in any case."""
    if choice.branches[-1].condition is not None:
        return NO_NAMES
    required = (required_names(branch.program) for branch in choice.branches)
    return frozenset.intersection(*required)


def without_constants(program: Program) -> Program:
    """What of it may print an empty value: slots without fallback, and their paths."""
    left: list[Piece] = []
    for piece in program:
        if isinstance(piece, Slot) and not piece.expression.has_fallback:
            left.append(piece)
        elif isinstance(piece, Address):
            left += without_constants(piece.program)
        elif isinstance(piece, Choice):
            choice = piece.with_programs(without_constants)
            if any(branch.program for branch in choice.branches):
                left.append(choice)
    return tuple(left)


def missing_names(program: Program, values: Values) -> Iterator[str]:
    """Names that would be printed for these values, but are empty."""
    for piece in program:
        if isinstance(piece, Slot):
            expression = piece.expression
            if not expression.has_fallback and is_empty(values.get(expression.name)):
                yield expression.name
        elif isinstance(piece, Address):
            yield from missing_names(piece.program, values)
        elif isinstance(piece, Choice):
            yield from missing_names(piece.taken(values), values)
