"""One compiler for preview, test and real mail: a message's text → its wire format.

`compile_message` runs once per message version and account. What it returns fills
the slots of one recipient after the other; it is immutable and holds no database
objects, so it can be kept and shared between threads.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from itertools import chain

from massmail.content.conditions import Names
from massmail.content.headers import (
    BULK_FIELDS,
    Envelope,
    Sender,
    envelope_fields,
    sender_fields,
    subject_field,
)
from massmail.content.html_part import LinkRewriter, compile_html
from massmail.content.images import Attachment, InlineImage
from massmail.content.languages import dates_in
from massmail.content.message_source import (
    MessageSource,
    Templates,
    with_signature,
)
from massmail.content.mime import message_entity
from massmail.content.personalization import (
    ImageAddress,
    WirePart,
    fill_text,
    no_images,
)
from massmail.content.program import (
    ImageReference,
    Piece,
    Program,
    Slot,
    changed,
    missing_names,
    pieces_in,
    printed_names,
    required_names,
    used_names,
    without_constants,
)
from massmail.content.template_engine import STANDARD_VARIABLES
from massmail.content.tokens import field_of_errors
from massmail.content.values import Values, is_empty, one_line
from massmail.exceptions import RenderError

MAX_PERSONAL_BYTES = 1024 * 1024
HEADER_BYTES = 1_500  # about what the header fields of one copy take
SLOT_BYTES = 40
STANDARD = frozenset(STANDARD_VARIABLES)

ImageUrl = Callable[[InlineImage], str]


@dataclass(frozen=True, eq=False)
class CompiledMessage:
    """A message that needs nothing but a recipient's values.

    `links` are the targets in the HTML in their order, with variables as written.
    `required_variables` are names of the recipient's own that every copy prints without
    a fallback; the standard variables are never among them. `language` is that of its
    dates, "" for the site's.
    """

    subject: Program = field(repr=False)
    html: Program = field(repr=False)
    text: Program = field(repr=False)
    links: tuple[str, ...]
    images: tuple[InlineImage, ...]
    used_variables: frozenset[str]
    required_variables: frozenset[str]
    size_estimate: int  # bytes on the wire
    _sender_values: dict[str, str] = field(repr=False)
    _printed: frozenset[str] = field(repr=False)
    _may_miss: Program = field(repr=False)
    _sender_fields: bytes = field(repr=False)
    _subject_field: bytes = field(repr=False)  # empty when it differs
    _rest: tuple[WirePart, ...] = field(repr=False)
    _constant_bytes: int = field(repr=False)
    language: str = ""

    def missing(self, values: Values) -> tuple[str, ...]:
        """The required variables that this recipient's copy would print empty."""
        for name in self._printed:
            if is_empty(values.get(name)):
                break
        else:
            return ()
        names = dict.fromkeys(
            missing_names(self._may_miss, {**values, **self._sender_values})
        )
        return tuple(name for name in names if name not in STANDARD)

    def render(self, values: Values, envelope: Envelope) -> bytes:
        """The complete message: CRLF, 7 bit, not dot-stuffed.

        Raises `RenderError` when a value or the envelope does not fit; that is a
        matter of this recipient alone.
        """
        values = {
            "unsubscribe_url": envelope.unsubscribe_url,
            "today": envelope.date.date(),
            **values,
            **self._sender_values,
        }
        with dates_in(self.language, self.used_variables, values):
            copy = self._filled(values, envelope)
        if len(copy) - self._constant_bytes > MAX_PERSONAL_BYTES:
            raise RenderError("The values make the message larger than 1 MB.")
        return copy

    def _filled(self, values: Values, envelope: Envelope) -> bytes:
        subject = self._subject_field or subject_field(self.render_subject(values))
        message = [self._sender_fields, envelope_fields(envelope), subject]
        message += [
            part if isinstance(part, bytes) else part(values) for part in self._rest
        ]
        return b"".join(message)

    def render_subject(self, values: Values) -> str:
        return one_line(self.fill(self.subject, values))

    def render_html(self, values: Values, image_url: ImageUrl | None = None) -> str:
        """The whole document; pictures by `image_url`, otherwise by their `cid:`."""
        by_name = {image.name: image for image in self.images}

        def address(name: str) -> str:
            image = by_name[name]
            return html.escape(image_url(image) if image_url else f"cid:{image.cid}")

        return self.fill(self.html, values, address)

    def render_text(self, values: Values) -> str:
        return self.fill(self.text, values)

    def fill(
        self, program: Program, values: Values, image_address: ImageAddress = no_images
    ) -> str:
        """A part of the message for the recipient with these values."""
        values = {**values, **self._sender_values}
        with dates_in(self.language, self.used_variables, values):
            return fill_text(program, values, image_address)


def compile_message(
    source: MessageSource,
    *,
    sender: Sender,
    variables: Collection[str] | None,
    link_rewriter: LinkRewriter | None = None,
    pixel: str = "",
) -> CompiledMessage:
    """Raises `MessageTemplateError` (with `field`, line and column) for the message,
    `RenderError` for a sender whose address cannot be used.

    `variables` are the names that the recipients have besides the standard ones;
    None leaves names unchecked. `link_rewriter` gets each constant web address in
    the HTML with its position in `links` and returns a new one, variables allowed;
    `pixel` is the address of a picture that is asked for when the mail is shown.
    """
    templates = Templates(source, variables)
    subject, preheader = templates.subject.program, templates.preheader.program
    document: Program = ()
    text: Program = ()
    links: tuple[str, ...] = ()
    language = ""
    if templates.content:
        with field_of_errors("content"):
            part = compile_html(
                templates.content,
                templates.signature_as_html(),
                subject=subject,
                preheader=preheader,
                link_rewriter=link_rewriter,
                pixel=pixel,
            )
        document, text, links = part.document, part.text, part.links
        language = part.language
    if templates.text:
        text = with_signature(templates.text.program, templates.signature_as_text())
    compiled = _compiled(source, sender, subject, document, text, links)
    return replace(compiled, language=language)


def _with_sender(program: Program, sender_values: Values) -> Program:
    """The sender is known: what prints him is constant."""

    def of_piece(piece: Piece) -> Piece:
        if isinstance(piece, Slot) and piece.expression.name in sender_values:
            return piece.escape(piece.expression.text(sender_values))
        return piece

    return changed(program, of_piece)


def _compiled(
    source: MessageSource,
    sender: Sender,
    subject: Program,
    document: Program,
    text: Program,
    links: tuple[str, ...],
) -> CompiledMessage:
    sender_values = {"sender_name": sender.name, "sender_email": sender.email}
    programs = tuple(
        _with_sender(program, sender_values) for program in (subject, document, text)
    )
    subject, document, text = programs
    images = _shown_images(document, source.images)
    rest = _below_subject(document, text, images, source.attachments)
    constant_bytes = sum(len(part) for part in rest if isinstance(part, bytes))
    is_constant = all(isinstance(piece, str) for piece in subject)
    return CompiledMessage(
        subject=subject,
        html=document,
        text=text,
        links=links,
        images=images,
        used_variables=_names(used_names, programs),
        required_variables=_names(required_names, programs) - STANDARD,
        size_estimate=constant_bytes + HEADER_BYTES + SLOT_BYTES * len(rest),
        _sender_values=sender_values,
        _printed=_names(printed_names, programs) - STANDARD,
        _may_miss=tuple(chain.from_iterable(map(without_constants, programs))),
        _sender_fields=sender_fields(sender),
        _subject_field=subject_field(fill_text(subject, {})) if is_constant else b"",
        _rest=rest,
        _constant_bytes=constant_bytes,
    )


def _names(names_in: Callable[[Program], Names], programs: Iterable[Program]) -> Names:
    return frozenset().union(*(names_in(program) for program in programs))


def _below_subject(
    document: Program,
    text: Program,
    images: tuple[InlineImage, ...],
    attachments: tuple[Attachment, ...],
) -> tuple[WirePart, ...]:
    """The header fields that are the same in every copy, and the whole body."""
    different = tuple({image.cid: image for image in images}.values())
    entity = message_entity(text, _with_cids(document, images), different, attachments)
    mime_version = b"MIME-Version: 1.0\r\n"
    return _joined_bytes((BULK_FIELDS, mime_version, *entity.parts))


def _shown_images(
    program: Program, images: tuple[InlineImage, ...]
) -> tuple[InlineImage, ...]:
    """Those that the HTML refers to; others would only show as attachments."""
    names = {p.name for p in pieces_in(program) if isinstance(p, ImageReference)}
    return tuple(image for image in images if image.name in names)


def _with_cids(program: Program, images: tuple[InlineImage, ...]) -> Program:
    addresses = {image.name: f"cid:{image.cid}" for image in images}
    return changed(
        program,
        lambda p: addresses[p.name] if isinstance(p, ImageReference) else p,
    )


def _joined_bytes(parts: tuple[WirePart, ...]) -> tuple[WirePart, ...]:
    result: list[WirePart] = []
    for part in parts:
        last = result[-1] if result else None
        if isinstance(part, bytes) and isinstance(last, bytes):
            result[-1] = last + part
        else:
            result.append(part)
    return tuple(result)
