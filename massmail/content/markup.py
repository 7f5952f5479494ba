"""From a writer's HTML with tags to well-formed HTML with markers.

A small tokeniser after the HTML standard (13.2.5) that knows just enough to tell
where a template tag stands. What it writes has every start tag in one plain form,
so that the sanitiser's parser cannot see tags or attributes at other places.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from django.template.base import Token, TokenType
from django.utils.translation import gettext as _

from massmail.content.links import (
    ADDRESS_ATTRIBUTES,
    address_pieces,
    decoded_attribute,
)
from massmail.content.markers import AttributeSource, Markers
from massmail.content.nesting import Nesting
from massmail.content.program import (
    SPECIAL_PIECES,
    Program,
    as_it_is,
    is_image,
    pieces_in,
    program_of,
)
from massmail.content.template_engine import parse_tokens
from massmail.content.tokens import (
    as_written,
    constant,
    error_at,
    is_block,
    is_image_tag,
    is_tag,
)
from massmail.content.vocabulary import (
    ALLOWED_ELEMENTS,
    RAW_ELEMENTS,
    may_have,
)

# Each template tag is one of these while the HTML around it is read.
PLACE = "\0"

IMAGE_ATTRIBUTES = frozenset({"background", "src"})

_SPACE = "\t\n\f\r "
_TABLE_START = re.compile(r"<table[^<]*>\s*$")
_MARKUP_START = re.compile(r"<(?=[A-Za-z/!?])")
# With the "bogus comments" that the parser makes of `<!x>`, `<?x>` and `</1>`.
_COMMENT = re.compile(r"<!--(?:-?>|.*?(?:-->|--!>|\Z))|<[!?/][^>]*(?:>|\Z)", re.DOTALL)
_TAG = re.compile(rf"<(/?)([a-zA-Z][^{_SPACE}/>]*)")
_ATTRIBUTE = re.compile(
    rf"""[{_SPACE}/]*([^{_SPACE}/>][^{_SPACE}/>=]*)"""
    rf"""(?:[{_SPACE}]*=[{_SPACE}]*"""
    rf"""(?:"([^"]*)"|'([^']*)'|([^{_SPACE}>"'][^{_SPACE}>]*)?))?"""
)
_TAG_END = re.compile(rf"[{_SPACE}/]*>")
_ATTRIBUTE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-:]*")

Attributes = list[tuple[str, str]]


@dataclass
class Markup:
    """What was found: the body, and what belongs to the document around it."""

    html: str = ""
    styles: list[str] = field(default_factory=list)
    html_attributes: Attributes = field(default_factory=list)
    body_attributes: Attributes = field(default_factory=list)
    # The text between one `if`, `elif`, `else` or `endif` and the next.
    texts: list[str] = field(default_factory=list)


def mark(tokens: Sequence[Token], source: str, markers: Markers) -> Markup:
    """Raises `MessageTemplateError` where a tag cannot stand."""
    return _Scanner(tokens, source, markers).scan()


class _Scanner:
    def __init__(self, tokens: Sequence[Token], source: str, markers: Markers) -> None:
        self._tags = iter([token for token in tokens if is_tag(token)])
        self._masked = "".join(PLACE if is_tag(t) else t.contents for t in tokens)
        self._source = source
        self._markers = markers
        self._written: list[str] = []
        self._texts: list[list[str]] = [[]]
        self._nesting = Nesting()
        self._markup = Markup()

    def scan(self) -> Markup:
        position = 0
        while found := _MARKUP_START.search(self._masked, position):
            self._text(self._masked[position : found.start()])
            position = self._after_markup(found.start())
        self._text(self._masked[position:])
        self._markup.html = "".join(self._written)
        self._markup.texts = ["".join(text) for text in self._texts]
        return self._markup

    def _after_markup(self, start: int) -> int:
        """Handle what begins with the `<` at `start`; where it ends."""
        tag = _TAG.match(self._masked, start)
        if tag:
            return self._tag(tag)
        comment = _COMMENT.match(self._masked, start)
        end = comment.end() if comment else len(self._masked)
        self._drop(self._masked[start:end])
        return end

    def _text(self, text: str) -> None:
        constants = text.split(PLACE)
        self._constant(constants[0])
        for following in constants[1:]:
            self._tag_in_text(next(self._tags))
            self._constant(following)

    def _constant(self, text: str) -> None:
        self._texts[-1].append(html.unescape(text))
        self._written.append(text.replace("<", "&lt;"))

    def _tag_in_text(self, token: Token) -> None:
        if token.token_type == TokenType.COMMENT:
            return
        if is_image_tag(token):
            text = _("The tag of an image is the whole “src” of an “img”.")
            raise error_at(self._source, token, text)
        if is_block(token):
            self._texts.append([])
            if _TABLE_START.search("".join(self._written[-2:])):
                # Otherwise the parser opens it with the first row, within the `if`.
                self._written.append("<tbody>")
        self._written.append(self._markers.for_tag(token))

    def _drop(self, text: str) -> None:
        for _place in range(text.count(PLACE)):
            next(self._tags)

    def _tag(self, tag: re.Match[str]) -> int:
        self._refuse_tags_in(tag[2], _("the name of an HTML element"))
        name, closing = tag[2].lower(), bool(tag[1])
        attributes, end = self._attributes(tag.end(), name)
        if closing:
            self._close(name)
        elif name in RAW_ELEMENTS:
            return self._raw_element(name, end)
        elif name in ("html", "body"):
            self._keep_for_document(name, attributes)
        elif name in ALLOWED_ELEMENTS:
            self._open_element(name, attributes)
        return end

    def _attributes(self, position: int, element: str) -> tuple[Attributes, int]:
        attributes: Attributes = []
        while not (end := _TAG_END.match(self._masked, position)):
            found = _ATTRIBUTE.match(self._masked, position)
            if not found:  # the text ends inside the tag
                return attributes, len(self._masked)
            self._refuse_tags_in(found[1], _("an HTML tag outside of attribute values"))
            name = found[1].lower()
            value = self._value(element, name, found[2] or found[3] or found[4] or "")
            if _ATTRIBUTE_NAME.fullmatch(name):
                attributes.append((name, value))
            position = found.end()
        return attributes, end.end()

    def _value(self, element: str, name: str, value: str) -> str:
        """The value as HTML; one with tags as its marker."""
        if PLACE not in value:
            return value.replace('"', "&quot;")
        if name in ("style", "class", "id") or element in ("html", "body"):
            self._refuse_tags_in(value, _("the attribute “%s”") % name)
        tokens = list(self._tokens_in_value(value))
        program = program_of(parse_tokens(tokens, self._source), as_it_is)
        self._check_attribute(name, program, next(t for t in tokens if is_tag(t)))
        written = "".join(as_written(token) for token in tokens)
        return self._markers.for_attribute(AttributeSource(name, program, written))

    def _check_attribute(self, name: str, program: Program, tag: Token) -> None:
        """Images are whole addresses; other addresses begin as they may."""
        if is_image(program) and name in IMAGE_ATTRIBUTES:
            return
        if any(isinstance(piece, SPECIAL_PIECES) for piece in pieces_in(program)):
            raise error_at(self._source, tag, _("The tag cannot be used here."))
        try:
            if name in ADDRESS_ATTRIBUTES:
                address_pieces(program, ADDRESS_ATTRIBUTES[name], as_it_is)
        except ValueError as error:
            message = _("No address may begin with “%(text)s”.")
            text = {"text": str(error)[:60]}
            raise error_at(self._source, tag, message % text) from error

    def _tokens_in_value(self, value: str) -> Iterator[Token]:
        constants = value.split(PLACE)
        yield constant(decoded_attribute(constants[0]))
        for following in constants[1:]:
            yield next(self._tags)
            yield constant(decoded_attribute(following))

    def _open_element(self, name: str, attributes: Attributes) -> None:
        self._nesting.open(name)
        kept: dict[str, str] = {}
        for attribute, value in attributes:
            if may_have(name, attribute):
                kept.setdefault(attribute, value)  # of two, the first one counts
        written = "".join(f' {attribute}="{kept[attribute]}"' for attribute in kept)
        self._written.append(f"<{name}{written}>")

    def _close(self, name: str) -> None:
        self._nesting.close(name)
        if name in ALLOWED_ELEMENTS:
            self._written.append(f"</{name}>")

    def _raw_element(self, name: str, position: int) -> int:
        """Leave it out with its content, but keep what a style sheet says."""
        end = re.compile(rf"</{name}(?=[{_SPACE}/>])", re.IGNORECASE)
        found = end.search(self._masked, position) if name != "plaintext" else None
        stop = found.start() if found else len(self._masked)
        content = self._masked[position:stop]
        if name == "style":
            self._refuse_tags_in(content, _("a style sheet"))
            self._markup.styles.append(content)
        self._drop(content)
        if not found:
            return stop
        return self._attributes(found.end(), name)[1]

    def _keep_for_document(self, name: str, attributes: Attributes) -> None:
        if name == "html":
            self._markup.html_attributes += attributes
        else:
            self._markup.body_attributes += attributes

    def _refuse_tags_in(self, text: str, place: str) -> None:
        if PLACE in text:
            message = _("No variable or tag is possible in %(place)s.")
            raise error_at(self._source, next(self._tags), message % {"place": place})
