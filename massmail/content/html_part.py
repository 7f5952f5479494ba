"""The HTML of a message: cleaned, styled, its links known, as a program.

One way for preview, test and real mail: markers for tags → sanitise → signature →
inline styles → rewrite links → text alternative → resolve the markers.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from django.template.base import Token
from django.utils.translation import gettext as _

from massmail.content.document import Body, document_around
from massmail.content.languages import supported_language
from massmail.content.links import (
    ADDRESS_ATTRIBUTES,
    LINK_SCHEMES,
    address_pieces,
    decoded_attribute,
    scheme_of,
)
from massmail.content.markers import AttributeSource, Markers
from massmail.content.markup import Markup, mark
from massmail.content.program import (
    Escape,
    Piece,
    Program,
    Slot,
    as_it_is,
    changed,
    escaped,
    is_image,
    joined,
    pieces_in,
    program_of,
)
from massmail.content.sanitizer import SERIALISED, sanitize, texts_between_blocks
from massmail.content.template_engine import ParsedTemplate, parse, parse_tokens
from massmail.content.text_alternative import text_of_html
from massmail.content.tokens import (
    constant,
    error_at,
    field_of_errors,
    is_block,
    keyword_of,
)
from massmail.exceptions import MessageTemplateError

LinkRewriter = Callable[[str, int], str]

MAX_DOCUMENT_BYTES = 1024 * 1024

_HREF = re.compile(r'(?<= href=")[^"]*')
_NOT_COMPARED = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ufffd]+")


@dataclass(frozen=True)
class HtmlPart:
    """`text` is the text alternative, `links` the targets in their order.

    `language` is that of the document, "" where it names none of the site's.
    """

    document: Program
    text: Program
    links: tuple[str, ...]
    language: str


def compile_html(
    content: ParsedTemplate,
    signature: ParsedTemplate | None,
    *,
    subject: Program,
    preheader: Program,
    link_rewriter: LinkRewriter | None,
    pixel: str = "",
) -> HtmlPart:
    """`signature` is HTML too, `pixel` the address of a picture that nobody sees.

    Raises `MessageTemplateError`.
    """
    markers = Markers(content.source, signature.source if signature else "")
    markup, clean = _cleaned(content, markers)
    clean_signature = ""
    if signature:
        with field_of_errors("signature"):
            signature_markup, clean_signature = _cleaned(signature, markers)
        markup.styles += signature_markup.styles
    clean = _with_signature(clean, clean_signature, markers)
    body = Body(markup, clean, markers)
    body.content, links = _with_links(body.content, markers, link_rewriter)
    document = document_around(
        body,
        (
            *_resolved(body.content, markers, _html_pieces, html.escape),
            *_pixel(pixel),
        ),
        subject=subject,
        preheader=preheader,
    )
    text = text_of_html(body.content, markers)
    return HtmlPart(
        _within_limit(joined(document)),
        _within_limit(_resolved(text, markers, _text_pieces, as_it_is)),
        links,
        supported_language(dict(markup.html_attributes).get("lang", "")),
    )


def text_of_signature(signature: ParsedTemplate) -> Program:
    """A signature in HTML as it reads in a plain-text part."""
    markers = Markers(signature.source)
    _markup, clean = _cleaned(signature, markers)
    return _resolved(text_of_html(clean, markers), markers, _text_pieces, as_it_is)


def _cleaned(template: ParsedTemplate, markers: Markers) -> tuple[Markup, str]:
    markup = mark(template.tokens, template.source, markers)
    clean = sanitize(markup.html, markers)
    _check_structure(template, markup, texts_between_blocks(clean, markers))
    return markup, clean


def _check_structure(
    template: ParsedTemplate, markup: Markup, texts: list[str]
) -> None:
    """Text that an `if` decides on must still stand inside it.

    HTML parsers mend broken markup by moving things: text between the rows of a
    table goes before the table, and would be shown to everybody.
    """
    before = [_NOT_COMPARED.sub("", text) for text in markup.texts]
    after = [_NOT_COMPARED.sub("", text) for text in texts]
    if len(before) == 1 or before == after:
        return
    tags = [token for token in template.tokens if is_block(token)]
    pairs = zip(before, after, strict=False)
    moved = next((i for i, pair in enumerate(pairs) if len(set(pair)) > 1), 0)
    tag = tags[min(max(moved - 1, 0), len(tags) - 1)]
    message = _(
        "The HTML around this tag is not well-formed: something would not stay"
        " inside the “if”."
    )
    raise error_at(template.source, tag, message)


def _with_signature(clean: str, signature: str, markers: Markers) -> str:
    """At its tag, otherwise at the end; only the first tag counts."""
    pieces, found = [], False
    position = 0
    for match in SERIALISED.finditer(clean):
        tag = markers.tag_of_comment(match[0])
        if tag and is_block(tag) and keyword_of(tag) == "signature":
            pieces += [clean[position : match.start()], "" if found else signature]
            position, found = match.end(), True
    pieces.append(clean[position:])
    return "".join(pieces) if found else clean + signature


def _with_links(
    content: str, markers: Markers, rewriter: LinkRewriter | None
) -> tuple[str, tuple[str, ...]]:
    """The targets of all links, and the HTML with those rewritten that can be."""
    links: list[str] = []

    def target(match: re.Match[str]) -> str:
        source = markers.attribute(match[0])
        links.append(source.written if source else decoded_attribute(match[0]))
        if source or not rewriter or scheme_of(links[-1]) not in ("http", "https"):
            return match[0]
        return _rewritten(rewriter(links[-1], len(links) - 1), markers)

    def element(match: re.Match[str]) -> str:
        is_link = match[0].startswith("<a ")
        return _HREF.sub(target, match[0]) if is_link else match[0]

    return SERIALISED.sub(element, content), tuple(links)


def _rewritten(address: str, markers: Markers) -> str:
    """A new target, which may hold variables such as a recipient's token.

    They come with the rewriter, so no recipient can lack them.
    """
    template = parse(address, variables=None)
    if not template.used:
        return html.escape(address)
    program = changed(template.program, _never_missing)
    return markers.for_attribute(AttributeSource("href", program, address))


def _pixel(address: str) -> Program:
    """Asked for when the mail is shown; the address may hold variables."""
    if not address:
        return ()
    program = changed(parse(address, variables=None).program, _never_missing)
    source = address_pieces(program, LINK_SCHEMES, html.escape)
    return ('<img src="', *source, '" width="1" height="1" alt="">')


def _never_missing(piece: Piece) -> Piece:
    if isinstance(piece, Slot):
        return replace(piece, expression=replace(piece.expression, has_fallback=True))
    return piece


def _html_pieces(attribute: AttributeSource) -> Program:
    if is_image(attribute.program):
        return attribute.program
    schemes = ADDRESS_ATTRIBUTES.get(attribute.name)
    if schemes:
        return address_pieces(attribute.program, schemes, html.escape)
    return escaped(attribute.program, html.escape)


def _text_pieces(attribute: AttributeSource) -> Program:
    schemes = ADDRESS_ATTRIBUTES.get(attribute.name)
    if schemes:
        return address_pieces(attribute.program, schemes, as_it_is)
    return attribute.program


def _resolved(
    content: str,
    markers: Markers,
    pieces_of: Callable[[AttributeSource], Program],
    escape: Escape,
) -> Program:
    """Constants, and what stands behind the markers, as one program."""
    tokens: list[Token] = []
    for part in markers.split(content):
        if isinstance(part, str):
            tokens.append(constant(part))
        elif isinstance(part, AttributeSource):
            tokens.append(constant(pieces_of(part)))
        else:
            tokens.append(part)
    return program_of(parse_tokens(tokens, ""), escape)


def _within_limit(program: Program) -> Program:
    constants = (piece for piece in pieces_in(program) if isinstance(piece, str))
    size = sum(len(constant.encode()) for constant in constants)
    if size > MAX_DOCUMENT_BYTES:
        text = _("The message is larger than %(count)d kB.")
        raise MessageTemplateError(text % {"count": MAX_DOCUMENT_BYTES // 1024})
    return program
