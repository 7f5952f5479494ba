"""Errors in a message's text, found at save: where they are and what they mean.

The text is compiled as it will be for sending: much of what can be wrong shows only
when the HTML around the tags is looked at.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from massmail.content.compiler import compile_message
from massmail.content.headers import Sender
from massmail.content.images import InlineImage
from massmail.content.message_source import MessageSource
from massmail.content.template_engine import STANDARD_VARIABLES, parse
from massmail.content.values import one_line
from massmail.exceptions import MessageTemplateError, RenderError
from massmail.models import EmlMessage, LibraryImage, Signature
from massmail.recipients.registry import sources

Errors = dict[str, list[ValidationError]]

# Which account sends it is known at launch; no error of a text depends on that.
ANY_SENDER = Sender("Sender", "sender@example.com")
# Parts of a message that can be wrong independently of each other.
PARTS = ("subject", "preheader", "content", "text", "signature")


def message_errors(message: EmlMessage) -> Errors:
    """By field, at most one in each: all that keeps the message from being compiled."""
    signature = message.signature
    source = MessageSource(
        subject=message.subject,
        preheader=message.preheader,
        content=message.content,
        text=message.text,
        signature=signature.content if signature else "",
        signature_is_html=bool(signature and signature.type == Signature.Type.HTML),
        images=offered_images(message),
    )
    return source_errors(source)


def signature_errors(signature: Signature) -> list[ValidationError]:
    """What is wrong with it in a message that has nothing else."""
    source = MessageSource(
        subject="-",
        content="<p>-</p>{% signature %}",
        signature=signature.content,
        signature_is_html=signature.type == Signature.Type.HTML,
        images=offered_images(signature),
    )
    return source_errors(source).get("signature", [])


def source_errors(source: MessageSource) -> Errors:
    """The compiler stops at the first error, so the parts are tried in turn, too."""
    errors = syntax_errors(source)
    while True:
        # A part that is wrong already says no more: the others are looked at.
        blank: dict[str, Any] = dict.fromkeys(errors, "")
        rest = replace(source, **blank)
        try:
            compile_message(rest, sender=ANY_SENDER, variables=known_variables())
        except MessageTemplateError as error:
            field, found = error.field or "content", as_validation_error(error)
        except RenderError as error:  # of a subject without variables, too long
            field, found = "subject", ValidationError(str(error), code="too_long")
        else:
            return errors
        if field in errors:
            return errors
        errors[field] = [found]


def syntax_errors(source: MessageSource) -> Errors:
    """Errors that a part has by itself."""
    errors = {}
    images = [image.name for image in source.images]
    for name in PARTS:
        try:
            parse(as_compiled(source, name), variables=known_variables(), images=images)
        except MessageTemplateError as error:
            errors[name] = [as_validation_error(error)]
    return errors


def as_compiled(source: MessageSource, name: str) -> str:
    text: str = getattr(source, name).replace("\r\n", "\n").replace("\r", "\n")
    return one_line(text) if name in ("subject", "preheader") else text


def as_validation_error(error: MessageTemplateError) -> ValidationError:
    text = _("Line %(line)d, column %(column)d: %(message)s")
    facts = {"line": error.line, "column": error.column, "message": error.message}
    return ValidationError(text, code="template", params=facts)


def known_variables() -> set[str]:
    """All names that at least one type of recipient offers.

    Which of them this message's recipients have is known, and checked, at launch.
    """
    return {name for source in sources() for name in source.variables} | set(
        STANDARD_VARIABLES
    )


def offered_images(owned: Any) -> tuple[InlineImage, ...]:
    """Pictures that a message or signature may use, without their bytes."""
    rows = LibraryImage.objects.offered_to(owned).values_list("tag", "mime_type")
    return tuple(
        InlineImage(name=tag, filename=tag, mime_type=mime_type, content=tag.encode())
        for tag, mime_type in rows
    )
