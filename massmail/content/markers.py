"""Opaque stand-ins for template tags while HTML tools work on a message.

Sanitisers and CSS inliners parse and write HTML; raw tags would not survive them.
A tag between elements becomes a comment, which the HTML parser leaves where it is
even between the rows of a table; an attribute value that holds tags becomes one
word, and its parts are kept here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.template.base import Token

from massmail.content.program import Program


@dataclass(frozen=True)
class AttributeSource:
    """An attribute value with tags; its constants are plain text, not HTML."""

    name: str
    program: Program
    written: str  # as the writer sees it, tags in their braces


class Markers:
    """The stand-ins of one message: made, found, resolved.

    Their key is a hash of the message's own text, so that no writer can put one
    into the text, and the same message compiles to the same bytes.
    """

    def __init__(self, *sources: str) -> None:
        digest = hashlib.sha256("\0".join(sources).encode()).hexdigest()
        self._key = f"mk{digest[:24]}"
        self._tags: list[Token] = []
        self._attributes: list[AttributeSource] = []
        self._comment = re.compile(rf"<!--{self._key}t(\d+)z-->")
        self._attribute = re.compile(rf"{self._key}a(\d+)z")
        self._any = re.compile(rf"(?:<!--)?{self._key}([ta])(\d+)z(?:-->)?")

    def for_tag(self, token: Token) -> str:
        """The comment that stands for a tag between elements."""
        self._tags.append(token)
        return f"<!--{self._key}t{len(self._tags) - 1}z-->"

    def for_attribute(self, source: AttributeSource) -> str:
        """The word that stands for a whole attribute value."""
        self._attributes.append(source)
        return f"{self._key}a{len(self._attributes) - 1}z"

    def attribute(self, value: str) -> AttributeSource | None:
        """What an attribute value stands for; None when it is not a marker."""
        match = self._attribute.fullmatch(value)
        return self._attributes[int(match[1])] if match else None

    def tag_of_comment(self, text: str) -> Token | None:
        """The tag that a whole comment stands for; None for a writer's comment."""
        match = self._comment.fullmatch(text)
        return self._tags[int(match[1])] if match else None

    def is_in(self, text: str) -> bool:
        return self._key in text

    def split(self, text: str) -> Iterator[str | Token | AttributeSource]:
        """HTML or plain text as constants and what the markers stand for."""
        position = 0
        for match in self._any.finditer(text):
            yield text[position : match.start()]
            kept = self._tags if match[1] == "t" else self._attributes
            yield kept[int(match[2])]
            position = match.end()
        yield text[position:]
