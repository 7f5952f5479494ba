"""The form in which messages are written."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from common.site.owned import OwnedModelForm
from massmail.forms.editing import SourceText, editor_widget
from massmail.forms.library_addresses import with_picture_tags
from massmail.models import EmlMessage

# What fits into the lists of mailboxes; read by the counter below the field, too.
SUBJECT_LENGTH = 60
PREHEADER_LENGTH = 100

CHANGED_MEANWHILE = _(
    "The message has been changed since you opened this page, by you or by somebody"
    " else. Nothing is saved yet: open it in another tab to compare, or save again to"
    " put your text in the place of the other."
)


def counted(limit: int, **attrs: Any) -> forms.TextInput:
    """A line whose characters are counted while it is written."""
    return forms.TextInput(
        {"class": "vTextField message-line", "data-message-limit": limit, **attrs}
    )


class EmlMessageForm(OwnedModelForm):
    """What is wrong with the text, the model's own check says (`full_clean`)."""

    # When what the page shows was saved; another page may have saved since.
    shown_since = forms.CharField(required=False, widget=forms.HiddenInput)

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

    data: QueryDict
    fields: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "content" in self.fields:
            self.fields["content"].widget = editor_widget(rows=26)
        for name in {"content", "text"} & self.fields.keys():
            # Errors name lines as they stand on the page.
            self.fields[name].strip = False
        if self.instance.pk:
            self.fields["shown_since"].initial = self.instance.updated_at.isoformat()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        self.warn_of_a_later_text(cleaned.get("shown_since", ""))
        if cleaned.get("content"):
            shown_in = EmlMessage(
                owner_id=self.instance.owner_id, department=cleaned.get("department")
            )
            cleaned["content"] = with_picture_tags(cleaned["content"], shown_in)
        return cleaned

    def warn_of_a_later_text(self, shown_since: str) -> None:
        """Once: who saves again wants his own text."""
        saved_at = self.fields["shown_since"].initial
        if not (shown_since and saved_at) or shown_since == saved_at:
            return
        self.data = self.data.copy()
        self.data[self.add_prefix("shown_since")] = saved_at
        self.add_error(None, CHANGED_MEANWHILE)
