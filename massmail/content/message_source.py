"""A message as it is written, and its parts when they are parsed."""

from __future__ import annotations

import html
from collections.abc import Collection
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from massmail.content.html_part import text_of_signature
from massmail.content.images import Attachment, InlineImage
from massmail.content.program import (
    SPECIAL_PIECES,
    ImageReference,
    Program,
    SignaturePlace,
    changed,
    joined,
    pieces_in,
)
from massmail.content.template_engine import ParsedTemplate, parse
from massmail.content.tokens import constant, field_of_errors, is_tag
from massmail.content.values import one_line
from massmail.exceptions import MessageTemplateError


@dataclass(frozen=True)
class MessageSource:
    """A message as it is written: four templates, pictures, files.

    `text` may be empty: it is then made from `content`. Without `content` the
    message is plain text.
    """

    subject: str
    preheader: str = ""
    content: str = ""
    text: str = ""
    signature: str = ""
    signature_is_html: bool = True
    images: tuple[InlineImage, ...] = ()
    attachments: tuple[Attachment, ...] = ()


class Templates:
    """The parsed parts of a message; empty bodies are None."""

    def __init__(
        self, source: MessageSource, variables: Collection[str] | None
    ) -> None:
        self._variables = variables
        self._images = {image.name for image in source.images}
        self._signature_is_html = source.signature_is_html
        self.subject = self._line("subject", source.subject)
        self.preheader = self._line("preheader", source.preheader)
        self.content = self._parsed("content", source.content)
        self.text = self._parsed("text", source.text, refused=ImageReference)
        self.signature = self._parsed(
            "signature", source.signature, refused=SignaturePlace
        )
        if self.text is None and self.content is None and self.signature:
            self.text = parse("{% signature %}", variables=())

    def _line(self, name: str, text: str) -> ParsedTemplate:
        template = self._parsed(name, one_line(text), refused=SPECIAL_PIECES)
        return template or parse("", variables=None)

    def _parsed(
        self, name: str, text: str, refused: type | tuple[type, ...] = ()
    ) -> ParsedTemplate | None:
        if not text.strip():
            return None
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        with field_of_errors(name):
            template = parse(text, variables=self._variables, images=self._images)
            if any(isinstance(piece, refused) for piece in pieces_in(template.program)):
                raise MessageTemplateError(
                    _("Images and signatures cannot be used here.")
                )
        return template

    def signature_as_html(self) -> ParsedTemplate | None:
        if not self.signature or self._signature_is_html:
            return self.signature
        tokens = tuple(
            token
            if is_tag(token)
            else constant(html.escape(token.contents).replace("\n", "<br>\n"))
            for token in self.signature.tokens
        )
        return replace(
            self.signature, tokens=(constant("<p>"), *tokens, constant("</p>"))
        )

    def signature_as_text(self) -> Program:
        if not self.signature:
            return ()
        if self._signature_is_html:
            with field_of_errors("signature"):
                return text_of_signature(self.signature)
        return self.signature.program


def with_signature(text: Program, signature: Program) -> Program:
    """At its tag, otherwise at the end; both without empty lines around."""
    if any(isinstance(piece, SignaturePlace) for piece in pieces_in(text)):
        return changed(
            text,
            lambda piece: signature if isinstance(piece, SignaturePlace) else piece,
        )
    if not signature:
        return text
    last = text[-1]
    if isinstance(last, str):
        text = (*text[:-1], last.rstrip())
    return joined((*text, "\n\n", *signature))
