"""The form in which messages are written."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common.site.owned import OwnedModelForm
from massmail.forms.editing import SourceText, editor_widget
from massmail.forms.library_addresses import with_picture_tags
from massmail.models import EmlMessage

# What fits into the lists of mailboxes; read by the counter below the field, too.
SUBJECT_LENGTH = 60
PREHEADER_LENGTH = 100


def counted(limit: int, **attrs: Any) -> forms.TextInput:
    """A line whose characters are counted while it is written."""
    return forms.TextInput(
        {"class": "vTextField message-line", "data-message-limit": limit, **attrs}
    )


class EmlMessageForm(OwnedModelForm):
    """What is wrong with the text, the model's own check says (`full_clean`)."""

    class Meta:
        model = EmlMessage
        fields = [
            "subject",
            "preheader",
            "content",
            "text",
            "signature",
            "owner",
            "department",
        ]
        widgets = {
            "subject": counted(SUBJECT_LENGTH),
            "preheader": counted(PREHEADER_LENGTH),
            "text": SourceText({"rows": 16}),
        }
        help_texts = {
            "subject": _("Telephones show some 40 characters of it, others some 60."),
            "preheader": _("The line that mailboxes show after the subject."),
            "text": _(
                "For readers without HTML. Made from the HTML when you leave it blank."
            ),
            "signature": _(
                "Stands where the message has {% signature %}, otherwise at its end."
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "content" in self.fields:
            self.fields["content"].widget = editor_widget(rows=26)
        for name in {"content", "text"} & self.fields.keys():
            # Errors name lines as they stand on the page.
            self.fields[name].strip = False

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("content"):
            shown_in = EmlMessage(
                owner_id=self.instance.owner_id, department=cleaned.get("department")
            )
            cleaned["content"] = with_picture_tags(cleaned["content"], shown_in)
        return cleaned
