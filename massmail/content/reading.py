"""A compiled document as a reader meets it: its links, its pictures, how much it says.

Read from the compiled HTML, not from its source: what the sanitiser left out, such as
a target that no mail program would open, is missing here as it is for the reader.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from html.parser import HTMLParser

from massmail.content.program import (
    Address,
    Choice,
    ImageReference,
    Piece,
    Program,
    SignaturePlace,
    Slot,
)
from massmail.content.text_alternative import HIDDEN_STYLE
from massmail.content.vocabulary import VOID_ELEMENTS

# Stands for a recipient's value; no text of a message needs it.
VALUE = "\ufffc"
_MARK = re.compile(f"{VALUE}[0-9]+;")


@dataclass
class Link:
    """`target` is None where nothing is left that could be opened."""

    target: str | None
    text: str = ""

    @property
    def can_be_clicked(self) -> bool:
        """Whether there is more of it than spaces and signs without a width."""
        return any(sign.isprintable() and not sign.isspace() for sign in self.text)


@dataclass(frozen=True)
class Picture:
    """`source` is None where nothing is left that could be shown."""

    source: str | None
    alt: str | None
    has_size: bool
    is_link: bool

    @property
    def name(self) -> str:
        """What its writer knows it by."""
        return self.alt or (self.source or "").rpartition("/")[2] or "<img>"

    @property
    def is_silent(self) -> bool:
        """Without pictures nothing is left of it, and of the link around it."""
        return self.alt is None or (self.is_link and not self.alt.strip())


@dataclass
class Reading:
    links: list[Link] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """What is written, without hidden words and descriptions of pictures."""
        return "".join(self.texts)

    @property
    def letters(self) -> int:
        return sum(character.isalpha() for character in self.text)


def reading_of(document: Program) -> Reading:
    """All branches of an `if` count, since some recipient may get each."""
    return _read(flat(document))


def _read(html: str) -> Reading:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.reading


@dataclass(frozen=True)
class Sight:
    """Which pieces of a document can be seen, by their `id()`.

    `links` are targets of links that have a text or picture, `texts` stand in the
    text itself: not in an attribute, nor in words that are hidden.
    """

    links: Collection[int]
    texts: Collection[int]


def sight_of(document: Program, wanted: Callable[[Piece], bool]) -> Sight:
    """Where those of the pieces that are `wanted` show."""
    marked: dict[str, int] = {}

    def mark(piece: Piece) -> str:
        if not wanted(piece):
            return ""
        name = f"{VALUE}{len(marked)};"
        marked[name] = id(piece)
        return name

    def marks_in(text: str) -> set[int]:
        return {marked[name] for name in _MARK.findall(text) if name in marked}

    reading = _read(flat(document, mark))
    links = [link.target or "" for link in reading.links if link.can_be_clicked]
    return Sight(marks_in(" ".join(links)), marks_in(reading.text))


def unmarked(piece: Piece) -> str:
    return ""


def flat(program: Program, mark: Callable[[Piece], str] = unmarked) -> str:
    """The program as text, with a sign for each value of a recipient.

    A piece for which there is a `mark` is written as that.
    """
    return "".join(mark(piece) or _flat(piece, mark) for piece in program)


def _flat(piece: Piece, mark: Callable[[Piece], str]) -> str:
    match piece:
        case str():
            return piece
        case Slot():
            return VALUE
        case Choice():
            return "".join(flat(branch.program, mark) for branch in piece.branches)
        case Address():
            return flat(piece.program, mark)
        case ImageReference():
            return f"cid:{piece.name}"
        case SignaturePlace():
            return ""
    raise TypeError(f"{piece!r} cannot be read.")


class _Reader(HTMLParser):
    """Walks over sanitised HTML, so that elements are closed as they were opened."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.reading = Reading()
        self._open_link: Link | None = None
        self._hidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag not in VOID_ELEMENTS and (self._hidden or is_hidden(tag, attributes)):
            self._hidden.append(tag)
        elif tag == "a":
            self._link(attributes)
        elif tag == "img":
            self._picture(attributes)

    def handle_endtag(self, tag: str) -> None:
        if self._hidden:
            if tag in self._hidden:
                while self._hidden.pop() != tag:
                    pass
        elif tag == "a":
            self._open_link = None

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        self.reading.texts.append(data)
        if self._open_link:
            self._open_link.text += data

    def _link(self, attributes: dict[str, str]) -> None:
        target = attributes.get("href")
        is_anchor = target is None and bool(attributes.keys() & {"name", "id"})
        if not is_anchor:
            self._open_link = Link(target)
            self.reading.links.append(self._open_link)

    def _picture(self, attributes: dict[str, str]) -> None:
        picture = Picture(
            source=attributes.get("src"),
            alt=attributes.get("alt"),
            has_size="width" in attributes or "width:" in attributes.get("style", ""),
            is_link=self._open_link is not None,
        )
        self.reading.pictures.append(picture)
        if self._open_link:
            self._open_link.text += picture.name


def is_hidden(tag: str, attributes: dict[str, str]) -> bool:
    is_no_text = tag in ("head", "title", "style")
    return is_no_text or bool(HIDDEN_STYLE.search(attributes.get("style", "")))
