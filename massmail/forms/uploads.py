"""Files that go with a message: how big, of what type, under which name."""

from __future__ import annotations

import mimetypes
from pathlib import PurePath
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.forms.models import BaseInlineFormSet
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from common.utils.helpers import one_line
from massmail.content.vocabulary import words
from massmail.models import Attachment

MAX_ATTACHMENT_BYTES = 10 * 1024 * 1024
# In base64 it grows by a third, and many mail servers take no more than 20 MB.
MAX_MESSAGE_BYTES = 15 * 1024 * 1024
# The large providers refuse any message that carries one.
REFUSED_ENDINGS = words(
    """
    .ade .adp .apk .appx .bat .cab .chm .cmd .com .cpl .dll .dmg .exe .hta .ins .iso
    .jar .js .jse .lib .lnk .mde .msc .msi .msp .mst .nsh .pif .ps1 .scr .sct .shb
    .sys .vb .vbe .vbs .vxd .wsc .wsf .wsh
    """
)
# What files without a known ending begin with.
SIGNATURES = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"PK\x03\x04", "application/zip"),
)
UNKNOWN_TYPE = "application/octet-stream"


class AttachmentForm(forms.ModelForm):
    """A file and, if wanted, another name for it."""

    class Meta:
        model = Attachment
        fields = ["file", "filename"]
        widgets = {"file": forms.FileInput()}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["filename"].required = False
        self.fields["filename"].help_text = _("The file's own name when blank.")

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if isinstance(file, UploadedFile):
            refuse_too_big(file, MAX_ATTACHMENT_BYTES)
        return file

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        file = cleaned.get("file")
        name = cleaned.get("filename") or self.own_name(file)
        cleaned["filename"] = clean_name(name)
        if PurePath(cleaned["filename"]).suffix.lower() in REFUSED_ENDINGS:
            text = _("Mail providers refuse messages with such a file.")
            self.add_error("file", text)
        found = type_of(cleaned["filename"], file)
        self.instance.mime_type = found or self.instance.mime_type or UNKNOWN_TYPE
        return cleaned

    def own_name(self, file: Any) -> str:
        """That of the upload; a stored file's is random."""
        if isinstance(file, UploadedFile):
            return file.name or ""
        return self.instance.filename


class AttachmentFormSet(BaseInlineFormSet):
    """All files of one message."""

    def clean(self) -> None:
        super().clean()
        total = sum(size_of(form) for form in self.kept_forms())
        if total > MAX_MESSAGE_BYTES:
            text = _("The files have %(total)s together; a message takes %(limit)s.")
            facts = {
                "total": filesizeformat(total),
                "limit": filesizeformat(MAX_MESSAGE_BYTES),
            }
            raise forms.ValidationError(text % facts)

    def kept_forms(self) -> list[forms.ModelForm]:
        return [
            form
            for form in self.forms
            if hasattr(form, "cleaned_data") and form not in self.deleted_forms
        ]


def size_of(form: forms.ModelForm) -> int:
    file = form.cleaned_data.get("file")
    return stored_size(file) if file else 0


def stored_size(file: Any) -> int:
    """In bytes; a file that is gone from the storage counts nothing."""
    try:
        return int(file.size or 0)
    except FileNotFoundError:
        return 0


def refuse_too_big(file: UploadedFile, limit: int) -> None:
    if (file.size or 0) > limit:
        text = _("The file is bigger than %(limit)s.")
        raise forms.ValidationError(text % {"limit": filesizeformat(limit)})


def type_of(filename: str, file: Any) -> str:
    """By the name's ending, else by an upload's first bytes; "" when neither tells."""
    guessed, _encoding = mimetypes.guess_type(filename)
    if guessed:
        # A message as an attachment is a file like any other.
        is_composite = guessed.startswith(("message/", "multipart/"))
        return UNKNOWN_TYPE if is_composite else guessed
    if not isinstance(file, UploadedFile):
        return ""
    head = file.read(16)
    file.seek(0)
    return next((kind for start, kind in SIGNATURES if head.startswith(start)), "")


def clean_name(name: str | None) -> str:
    """The last part of a path, on one line; a long one keeps its ending."""
    path = PurePath(one_line((name or "").replace("\\", "/"), 1000))
    suffix = path.suffix[:20]
    return path.stem[: 200 - len(suffix)] + suffix
