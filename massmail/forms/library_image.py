"""Pictures for messages: a file and the tag that names it."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Any

from django import forms
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from common.site.owned import OwnedModelForm
from massmail.forms.pictures import NotAPicture, rewritten
from massmail.forms.uploads import clean_name, refuse_too_big
from massmail.models import LibraryImage
from massmail.orchestrator.picture_uses import count_uses

MAX_PICTURE_BYTES = 5 * 1024 * 1024
MAX_TAG_LENGTH = 50


class LibraryImageForm(OwnedModelForm):
    """Name, type and size come from the file, and the tag, when it is left blank."""

    class Meta:
        model = LibraryImage
        fields = ["tag", "file", "owner", "department"]
        widgets = {
            "file": forms.FileInput(
                attrs={"accept": "image/png,image/jpeg,image/gif,image/webp"}
            )
        }
        help_texts = {
            "tag": _("How messages name the picture; made from the file when blank."),
            "file": _("PNG, JPEG, GIF or WebP, up to 5 MB."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "tag" in self.fields:
            self.fields["tag"].required = False

    def clean_tag(self) -> str:
        tag, known_by = self.cleaned_data["tag"], self.initial.get("tag")
        if tag and known_by and tag != known_by and count_uses([known_by]):
            text = _("The tag stays: messages or signatures show the picture by it.")
            raise forms.ValidationError(text, code="in_use")
        return tag

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if not isinstance(file, UploadedFile):
            return file
        refuse_too_big(file, MAX_PICTURE_BYTES)
        try:
            picture = rewritten(file)
        except NotAPicture as error:
            raise forms.ValidationError(str(error)) from error
        self.instance.width, self.instance.height = picture.width, picture.height
        self.instance.mime_type = picture.mime_type
        stem = PurePath(clean_name(file.name)).stem or "picture"
        self.instance.filename = stem[: 200 - len(picture.suffix)] + picture.suffix
        return ContentFile(picture.content, name=self.instance.filename)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not cleaned.get("tag") and "tag" not in self.errors:
            name = self.instance.filename or "picture"
            cleaned["tag"] = self.instance.tag or free_tag(PurePath(name).stem)
        return cleaned


def free_tag(name: str) -> str:
    """A tag like the name that no picture has yet."""
    words = slugify(name).replace("-", "_").strip("_")
    base = re.sub(r"^[^a-z]+", "", words)[:MAX_TAG_LENGTH] or "picture"
    taken = set(
        LibraryImage.objects.filter(tag__startswith=base[: MAX_TAG_LENGTH - 6])
        .values_list("tag", flat=True)
        .order_by()
    )
    tag, number = base, 1
    while tag in taken:
        number += 1
        ending = f"_{number}"
        tag = base[: MAX_TAG_LENGTH - len(ending)] + ending
    return tag
