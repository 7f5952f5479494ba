"""A text that was written for another system, on its way into a message."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from common.utils.decoding import decoded
from massmail.content.importing import Imported, imported
from massmail.content.template_engine import (
    MAX_SOURCE_BYTES,
    is_too_long,
    too_long_text,
)
from massmail.forms.editing import SourceText
from massmail.forms.template_checks import known_variables
from massmail.forms.uploads import refuse_too_big
from massmail.models import EmlMessage, LibraryImage
from massmail.recipients.access import access_policy

PARTS = ("subject", "preheader", "content")
_ELEMENT = re.compile(r"<[a-z!]", re.IGNORECASE)


class OldTextForm(forms.Form):
    """Pasted or uploaded; `converted()` is the same in our words."""

    subject = forms.CharField(
        label=_("Subject"), max_length=250, widget=forms.TextInput({"size": 60})
    )
    preheader = forms.CharField(
        label=_("Preheader"),
        max_length=250,
        required=False,
        widget=forms.TextInput({"size": 60}),
    )
    content = forms.CharField(
        label=_("Text"),
        required=False,
        strip=False,
        widget=SourceText({"rows": 18}),
        help_text=_("HTML or plain text, as the other system has it."),
    )
    file = forms.FileField(
        label=_("or a file with it"),
        required=False,
        help_text=_("HTML or plain text of at most 512 kB."),
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_file(self) -> str:
        """The text in the file, "" without one."""
        file = self.cleaned_data["file"]
        if not file:
            return ""
        refuse_too_big(file, MAX_SOURCE_BYTES)
        text = decoded(file.read())
        if "\0" in text:
            raise ValidationError(_("This is no text, but some other kind of file."))
        return text

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        cleaned["content"] = cleaned.get("file") or cleaned.get("content") or ""
        if not cleaned["content"].strip() and not self.errors:
            self.add_error("content", _("Paste the text, or choose a file."))
        elif is_too_long(cleaned["content"]):
            self.add_error("content", too_long_text())
        return cleaned

    def converted(self) -> dict[str, Imported]:
        """Of each part; values of the form's fields are the texts in it."""
        tags = picture_tags(self.new_message())
        return {
            part: imported(
                self.cleaned_data[part],
                variables=known_variables(),
                images=tags,
                is_html=part == "content" and is_html(self.cleaned_data[part]),
            )
            for part in PARTS
        }

    def new_message(self) -> EmlMessage:
        """Unsaved; HTML becomes the HTML part, plain text the text."""
        answer = self.cleaned_data
        body = "content" if is_html(answer["content"]) else "text"
        return EmlMessage(
            owner=self.user,
            department=access_policy().departments(self.user).first(),
            subject=answer["subject"],
            preheader=answer["preheader"],
            signature=self.user.massmail_signature_set.filter(is_default=True).first(),
            **{body: answer["content"]},
        )

    def saved(self) -> EmlMessage | None:
        """The message; None with errors in the form when it has mistakes."""
        message = self.new_message()
        try:
            message.full_clean()
        except ValidationError as error:
            for field, errors in error.message_dict.items():
                name = {"text": "content"}.get(field, field)
                self.add_error(name if name in self.fields else None, errors)
            return None
        message.save()
        return message


def is_html(text: str) -> bool:
    """Whether an element begins, and some element ends behind that."""
    return bool(_ELEMENT.search(text, 0, text.rfind(">") + 1))


def picture_tags(message: EmlMessage) -> Mapping[str, str]:
    """Tags of the offered pictures by tag and by file name."""
    rows = LibraryImage.objects.offered_to(message).order_by("-pk")
    pairs = list(rows.values_list("filename", "tag"))
    return dict(pairs) | {tag: tag for _filename, tag in pairs}
