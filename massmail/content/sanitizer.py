"""HTML reduced to what newsletters need and no mail client can be hurt by."""

from __future__ import annotations

import html
import re

import nh3

from massmail.content.css import clean_declarations
from massmail.content.links import (
    ADDRESS_ATTRIBUTES,
    IMAGE_SCHEMES,
    LINK_SCHEMES,
    scheme_of,
)
from massmail.content.markers import Markers
from massmail.content.markup import Attributes
from massmail.content.tokens import is_block
from massmail.content.vocabulary import (
    ALLOWED_ATTRIBUTES,
    ALLOWED_ELEMENTS,
    RAW_ELEMENTS,
)

# Comments, tags with their quoted values, and everything else of serialised HTML.
SERIALISED = re.compile(r'<!--.*?-->|</?[a-zA-Z](?:[^">]|"[^"]*")*>', re.DOTALL)
_FIRST_TAG = re.compile(r'<div((?:[^">]|"[^"]*")*)>')


def sanitize(source: str, markers: Markers) -> str:
    """The body's HTML with the allowed elements, attributes, addresses, styles."""
    return _only_own_comments(_clean(source, markers), markers)


def sanitize_attributes(attributes: Attributes, markers: Markers) -> str:
    """Attributes of `<body>` as they may stand in its tag, with a space in front.

    As a `div`, since a sanitiser of fragments drops `body`.
    """
    written = "".join(f' {name}="{value}"' for name, value in attributes)
    match = _FIRST_TAG.match(_clean(f"<div{written}></div>", markers))
    return match[1] if match else ""


def _clean(source: str, markers: Markers) -> str:
    def attribute(element: str, name: str, value: str) -> str | None:
        if markers.is_in(value):
            return value if markers.attribute(value) else None
        if name == "style":
            return clean_declarations(value) or None
        allowed = ADDRESS_ATTRIBUTES.get(name)
        return None if allowed and scheme_of(value) not in allowed else value

    return nh3.clean(
        source,
        tags=ALLOWED_ELEMENTS,
        clean_content_tags=RAW_ELEMENTS,
        attributes=ALLOWED_ATTRIBUTES,
        attribute_filter=attribute,
        strip_comments=False,  # markers are comments
        link_rel=None,
        url_schemes=LINK_SCHEMES | IMAGE_SCHEMES,
    )


def _only_own_comments(clean: str, markers: Markers) -> str:
    def kept(match: re.Match[str]) -> str:
        is_foreign = match[0].startswith("<!--") and not markers.tag_of_comment(
            match[0]
        )
        return "" if is_foreign else match[0]

    return SERIALISED.sub(kept, clean)


def texts_between_blocks(clean: str, markers: Markers) -> list[str]:
    """The text between one block tag and the next, to compare with the source."""
    texts: list[list[str]] = [[]]
    position = 0
    for match in SERIALISED.finditer(clean):
        texts[-1].append(html.unescape(clean[position : match.start()]))
        position = match.end()
        tag = markers.tag_of_comment(match[0])
        if tag and is_block(tag):
            texts.append([])
    texts[-1].append(html.unescape(clean[position:]))
    return ["".join(text) for text in texts]
