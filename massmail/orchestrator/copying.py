"""A message as the beginning of another one."""

from __future__ import annotations

import re
from typing import Any

from django.core.files.base import ContentFile
from django.db import transaction
from django.utils.translation import gettext as _

from massmail.exceptions import WrongState
from massmail.models import Attachment, EmlMessage, LibraryImage
from massmail.orchestrator.compiling import IMAGE_TAG, content_of
from massmail.recipients.access import access_policy

MAX_TAG_STEM = 40  # characters; a number follows


@transaction.atomic
def copy_message(message: EmlMessage, *, by: Any) -> EmlMessage:
    """The message as `by`'s own, with its files and pictures and `by`'s signature.

    Pictures that are not offered to the new owner are copied into his library under
    new tags. Raises WrongState when a file is gone from the storage.
    """
    copy = EmlMessage(
        owner=by,
        department=access_policy().departments(by).first(),
        subject=message.subject,
        preheader=message.preheader,
        content=message.content,
        text=message.text,
        signature=by.massmail_signature_set.filter(is_default=True).first(),
    )
    try:
        copy.content = with_own_pictures(copy, message)
        copy.save()
        for attachment in message.attachments.order_by("pk"):
            copy_attachment(attachment, copy)
    except FileNotFoundError as error:
        raise WrongState(_("A picture or file is missing from the storage.")) from error
    return copy


def with_own_pictures(copy: EmlMessage, message: EmlMessage) -> str:
    """The HTML with the tags of pictures that its new owner has."""
    used = set(IMAGE_TAG.findall(message.content))
    theirs = LibraryImage.objects.offered_to(message).filter(tag__in=used)
    own = LibraryImage.objects.offered_to(copy).values("pk")
    new_tags = {
        picture.tag: copy_picture(picture, copy).tag
        for picture in theirs.exclude(pk__in=own)
    }

    def renamed(tag: re.Match[str]) -> str:
        return f"{{% cid_{new_tags.get(tag[1], tag[1])} %}}"

    return IMAGE_TAG.sub(renamed, copy.content)


def copy_picture(picture: LibraryImage, copy: EmlMessage) -> LibraryImage:
    new = LibraryImage(
        owner_id=copy.owner_id,
        department_id=copy.department_id,
        tag=free_tag(picture.tag),
        filename=picture.filename,
        mime_type=picture.mime_type,
        width=picture.width,
        height=picture.height,
    )
    new.file.save(picture.filename, ContentFile(content_of(picture.file)), save=True)
    return new


def free_tag(tag: str) -> str:
    """The tag with the first number that nobody's picture has."""
    stem = tag[:MAX_TAG_STEM]
    taken = set(
        LibraryImage.objects.filter(tag__startswith=stem).values_list("tag", flat=True)
    )
    numbers = range(2, len(taken) + 3)
    return next(name for n in numbers if (name := f"{stem}_{n}") not in taken)


def copy_attachment(attachment: Attachment, copy: EmlMessage) -> None:
    new = Attachment(
        message=copy, filename=attachment.filename, mime_type=attachment.mime_type
    )
    content = ContentFile(content_of(attachment.file))
    new.file.save(attachment.filename, content, save=True)
