"""A compiled document as a reader meets it: its links, its pictures, how much it says.

Read from the compiled HTML, not from its source: what the sanitiser left out, such as
a target that no mail program would open, is missing here as it is for the reader.
"""

from __future__ import annotations

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


@dataclass
class Link:
    """`target` is None where nothing is left that could be opened."""

    target: str | None
    text: str = ""


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
    letters: int = 0


def reading_of(document: Program) -> Reading:
    """All branches of an `if` count, since some recipient may get each."""
    reader = _Reader()
    reader.feed(flat(document))
    reader.close()
    return reader.reading


def flat(program: Program) -> str:
    """The program as text, with a sign for each value of a recipient."""
    return "".join(_flat(piece) for piece in program)


def _flat(piece: Piece) -> str:
    match piece:
        case str():
            return piece
        case Slot():
            return VALUE
        case Choice():
            return "".join(flat(branch.program) for branch in piece.branches)
        case Address():
            return flat(piece.program)
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
        self.reading.letters += sum(character.isalpha() for character in data)
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
