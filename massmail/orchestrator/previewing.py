"""What one recipient would get: a message and a record's values joined.

Nothing is stored and nothing is sent. The link to unsubscribe is none: it leads to
the page for links that name nobody.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Set
from dataclasses import dataclass, replace
from typing import Any

from django.utils.functional import Promise

from massmail.conf import conf
from massmail.content.compiler import CompiledMessage, compile_message
from massmail.content.findings import Finding
from massmail.content.headers import Sender
from massmail.content.images import InlineImage
from massmail.content.message_source import MessageSource
from massmail.content.preflight import preflight
from massmail.content.template_engine import parse
from massmail.content.values import Value, one_line
from massmail.exceptions import MessageTemplateError, RenderError
from massmail.models import (
    EmlMessage,
    MassmailSettings,
    MessageVersion,
    Signature,
)
from massmail.orchestrator.compiling import (
    FILE_MISSING,
    images_used,
    inline_image,
    source_of_message,
    source_of_version,
    variables_of,
)
from massmail.orchestrator.preview_values import (
    placeholder,
    sender_for,
    standard_values,
)
from massmail.recipients.source import Recipient, RecipientSource


@dataclass(frozen=True)
class TemplateProblem:
    """Why the message cannot be compiled; the place is counted from 1."""

    field: str
    line: int
    column: int
    message: str


@dataclass(frozen=True)
class Preview:
    """One copy as its recipient would read it.

    `missing` are the variables for whose want the recipient would be skipped,
    `problem` or `render_error` say why there is no copy at all. `size` is that of
    the message on the wire in bytes, `links` are the targets as they are written.
    """

    sender: Sender | None
    subject: str = ""
    preheader: str = ""
    html: str = ""
    text: str = ""
    missing: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    links: tuple[str, ...] = ()
    size: int = 0
    problem: TemplateProblem | None = None
    render_error: str | Promise = ""
    attachments: tuple[str, ...] = ()


def preview(
    message: EmlMessage | MessageVersion,
    source: RecipientSource | None,
    recipient: Recipient,
    user: Any,
) -> Preview:
    """The message, or a frozen version of it, as `recipient` would get it.

    `user` is whose accounts would send it (None: not known). Without a source any
    variable is allowed.
    """
    variables = variables_of(source) if source else None
    sender = sender_for(user)
    try:
        return preview_of(written(message), variables, recipient, sender)
    except FileNotFoundError:
        return Preview(sender, render_error=FILE_MISSING)


def preview_of(
    message: MessageSource,
    variables: Set[str] | None,
    recipient: Recipient,
    sender: Sender | None,
) -> Preview:
    """Never raises for what a person has written; the preview says what is wrong."""
    try:
        compiled = compile_message(
            message, sender=sender or placeholder(), variables=variables
        )
    except MessageTemplateError as error:
        if variables is not None:
            # What is wrong for any recipient comes before what these do not have.
            anybodys = preview_of(message, None, recipient, sender)
            if anybodys.problem:
                return anybodys
        return Preview(sender, problem=problem_of(error))
    except RenderError as error:
        return Preview(sender, render_error=str(error))
    return filled(message, compiled, recipient, sender)


def preview_signature(signature: Signature) -> Preview:
    """A signature as it ends a message that says nothing else."""
    message = EmlMessage(
        owner_id=signature.owner_id,
        department_id=signature.department_id,
        signature=signature,
    )
    nobody = Recipient("", "name@example.com")
    sender = sender_for(signature.owner)
    try:
        source = MessageSource(
            subject="-",
            content="{% signature %}",
            signature=signature.content,
            signature_is_html=signature.type == Signature.Type.HTML,
            images=tuple(inline_image(image) for image in images_used(message)),
        )
    except FileNotFoundError:
        return Preview(sender, render_error=FILE_MISSING)
    return preview_of(source, None, nobody, sender)


def fitting(
    message: EmlMessage | MessageVersion, sources: Iterable[RecipientSource]
) -> list[RecipientSource]:
    """The types of recipients that have all variables of the message.

    None when it cannot be compiled at all.
    """
    try:
        compiled = compile_message(
            written(message), sender=placeholder(), variables=None
        )
    except (MessageTemplateError, RenderError, FileNotFoundError):
        return []
    used = compiled.used_variables
    return [source for source in sources if used <= variables_of(source)]


def written(message: EmlMessage | MessageVersion) -> MessageSource:
    if isinstance(message, MessageVersion):
        return source_of_version(message)
    return source_of_message(message)


def filled(
    message: MessageSource,
    compiled: CompiledMessage,
    recipient: Recipient,
    sender: Sender | None,
) -> Preview:
    settings = MassmailSettings.load()
    values = recipient.variables | standard_values(settings)
    result = Preview(
        sender,
        missing=compiled.missing(values),
        findings=tuple(findings_of(compiled, settings)),
        links=compiled.links,
        size=compiled.size_estimate,
        attachments=tuple(file.filename for file in message.attachments),
    )
    try:
        return replace(
            result,
            subject=compiled.render_subject(values),
            preheader=preheader_of(message, compiled, values),
            html=compiled.render_html(values, data_address) if compiled.html else "",
            text=compiled.render_text(values),
        )
    except RenderError as error:
        return replace(result, render_error=str(error))


def problem_of(error: MessageTemplateError) -> TemplateProblem:
    return TemplateProblem(error.field, error.line, error.column, error.message)


def findings_of(compiled: CompiledMessage, settings: MassmailSettings) -> list[Finding]:
    return preflight(
        compiled,
        postal_address=settings.postal_address,
        public_base_url=settings.base_url,
        require_https=conf.REQUIRE_HTTPS,
    )


def preheader_of(
    message: MessageSource, compiled: CompiledMessage, values: dict[str, Value]
) -> str:
    program = parse(one_line(message.preheader), variables=None).program
    return one_line(compiled.fill(program, values))


def data_address(image: InlineImage) -> str:
    """The picture itself as an address.

    A sandboxed frame has no origin, so a browser would ask for a picture without
    the session's cookie, and get the login page.
    """
    content = base64.b64encode(image.content).decode("ascii")
    return f"data:{image.mime_type};base64,{content}"
