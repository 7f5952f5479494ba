"""From rows to the compiler and back: messages, versions, their pictures and files."""

from __future__ import annotations

import mimetypes
import re
from dataclasses import replace
from functools import lru_cache
from typing import Any

from django.db.models.fields.files import FieldFile
from django.utils.translation import gettext_lazy

from massmail.content.compiler import CompiledMessage, MessageSource, compile_message
from massmail.content.headers import Sender
from massmail.content.images import Attachment, InlineImage
from massmail.content.template_engine import STANDARD_VARIABLES
from massmail.models import (
    EmailAccount,
    EmlMessage,
    LibraryImage,
    MailingOut,
    MessageVersion,
    VersionPart,
)
from massmail.models.eml_message import Attachment as AttachmentRow
from massmail.models.signature import Signature
from massmail.orchestrator.tracking_choice import (
    choose_tracking,
    keep_tracked_links,
    link_rewriter,
    pixel_of,
)
from massmail.recipients.source import RecipientSource

FILE_MISSING = gettext_lazy("A picture or file is missing from the storage.")
IMAGE_TAG = re.compile(r"{%\s*cid_([a-z][a-z0-9_]*)\s*%}")


def sender_of(account: EmailAccount) -> Sender:
    return Sender(
        name=account.from_name, email=account.from_email, reply_to=account.reply_to
    )


def variables_of(source: RecipientSource) -> set[str]:
    """What a message to this type of recipient may use."""
    return {*source.variables, *STANDARD_VARIABLES}


def source_of_message(message: EmlMessage) -> MessageSource:
    """The message as it is written now, with its pictures and attachments.

    Raises FileNotFoundError (`FILE_MISSING` in words) where the storage lost one.
    """
    signature = message.signature
    return MessageSource(
        subject=message.subject,
        preheader=message.preheader,
        content=message.content,
        text=message.text,
        signature=signature.content if signature else "",
        signature_is_html=bool(signature and signature.type == Signature.Type.HTML),
        images=tuple(inline_image(image) for image in images_used(message)),
        attachments=tuple(
            Attachment(
                filename=attachment.filename,
                mime_type=attachment.mime_type or guess_type(attachment.filename),
                content=content_of(attachment.file),
            )
            for attachment in attachments_of(message)
        ),
    )


def attachments_of(message: EmlMessage) -> list[AttachmentRow]:
    """None of a message that is being written and was never saved."""
    return list(message.attachments.order_by("pk")) if message.pk else []


def guess_type(filename: str) -> str:
    return mimetypes.guess_type(filename)[0] or "application/octet-stream"


def images_used(message: EmlMessage) -> list[LibraryImage]:
    """The offered pictures whose tags the message has; unknown tags find nothing."""
    signature = message.signature.content if message.signature else ""
    tags = IMAGE_TAG.findall(message.content + signature)
    return list(
        LibraryImage.objects.offered_to(message).filter(tag__in=tags).order_by("tag")
    )


def inline_image(image: LibraryImage) -> InlineImage:
    return InlineImage(
        name=image.tag,
        filename=image.filename,
        mime_type=image.mime_type,
        content=content_of(image.file),
    )


def content_of(stored: FieldFile) -> bytes:
    with stored.open("rb") as file:
        return file.read()


def freeze(message: EmlMessage, *, mailing: MailingOut | None = None) -> MessageVersion:
    """An immutable copy; call it in the transaction that uses it.

    Copies of a mailing are tracked as it wants; without one they are not.
    """
    source = source_of_message(message)
    version = MessageVersion(
        message=message,
        subject=source.subject,
        preheader=source.preheader,
        content=source.content,
        text=source.text,
        signature=source.signature,
        signature_is_html=source.signature_is_html,
    )
    if mailing:
        choose_tracking(mailing, version)
    version.save()
    parts: tuple[Any, ...] = (*source.images, *source.attachments)
    VersionPart.objects.bulk_create(
        VersionPart(
            version=version,
            tag=getattr(part, "name", ""),
            filename=part.filename,
            mime_type=part.mime_type,
            content=part.content,
        )
        for part in parts
    )
    keep_tracked_links(version, source)
    return version


def frozen_as_it_is(message: EmlMessage) -> MessageVersion:
    """The latest version where nothing was changed since, otherwise a new one.

    Files of many megabytes are not stored again for each test.
    """
    latest = message.versions.order_by("-pk").first()
    if latest and source_of_version(latest) == source_of_message(message):
        return latest
    return freeze(message)


def source_of_version(version: MessageVersion) -> MessageSource:
    """The very source that was frozen."""
    parts = list(version.parts.order_by("pk"))
    return MessageSource(
        subject=version.subject,
        preheader=version.preheader,
        content=version.content,
        text=version.text,
        signature=version.signature,
        signature_is_html=version.signature_is_html,
        images=tuple(
            InlineImage(
                name=part.tag,
                filename=part.filename,
                mime_type=part.mime_type,
                content=bytes(part.content),
            )
            for part in parts
            if part.tag
        ),
        attachments=tuple(
            Attachment(
                filename=part.filename,
                mime_type=part.mime_type,
                content=bytes(part.content),
            )
            for part in parts
            if not part.tag
        ),
    )


def compiled_message(message: EmlMessage, **options: Any) -> CompiledMessage:
    """The message as written now, for preflight and previews."""
    return compile_message(source_of_message(message), **options)


@lru_cache(maxsize=16)
def compiled_version(
    version_id: int,
    sender: Sender,
    *,
    subject_mark: str = "",
    tracking_url: str = "",
    has_pixel: bool = True,
) -> CompiledMessage:
    """A frozen version, compiled once per process and sender: it never changes.

    `subject_mark` goes before the subject, as tests have it; `tracking_url` is the
    address of the recipients' pages, "" for a person who is not tracked. A copy for
    the browser needs no pixel.
    """
    version = MessageVersion.objects.get(pk=version_id)
    source = source_of_version(version)
    if subject_mark:
        source = replace(source, subject=f"{subject_mark} {source.subject}")
    return compile_message(
        source,
        sender=sender,
        variables=None,
        link_rewriter=link_rewriter(version, tracking_url),
        pixel=pixel_of(version, tracking_url) if has_pixel else "",
    )
