"""What a manager says of a mailing whose recipients are chosen."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from massmail.content.starter import LAYOUTS, layout_named, starter_html
from massmail.models import EmlMessage, MassmailSettings
from massmail.orchestrator.message_fit import misfit
from massmail.recipients.access import access_policy
from massmail.recipients.source import RecipientSource

EXISTING, NEW = "existing", "new"
HOW = [
    (EXISTING, _("One of my messages")),
    (NEW, _("Write a new one")),
]


class CreateMailingForm(forms.Form):
    """Name and message; `counted` is the number of records that the page told."""

    name = forms.CharField(
        label=_("Name"),
        max_length=250,
        help_text=_("For you and your colleagues; recipients do not see it."),
    )
    how = forms.ChoiceField(label=_("Message"), choices=HOW, widget=forms.RadioSelect)
    message = forms.ModelChoiceField(
        EmlMessage.objects.none(),
        label=_("Message"),
        required=False,
        empty_label=_("Choose a message"),
    )
    subject = forms.CharField(
        label=_("Subject"),
        max_length=250,
        required=False,
    )
    layout = forms.ChoiceField(
        label=_("Layout"),
        choices=[(layout.name, layout.title) for layout in LAYOUTS],
        required=False,
        help_text=_("You go on from a simple text that is ready to be changed."),
    )
    counted = forms.IntegerField(widget=forms.HiddenInput)

    data: QueryDict
    fields: dict[str, Any]

    def __init__(
        self, *args: Any, user: Any, source: RecipientSource, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.user, self.source = user, source
        messages = messages_of(user)
        latest = messages.first()
        self.fields["message"].queryset = messages
        self.fields["message"].initial = latest
        self.fields["how"].initial = EXISTING if latest else NEW
        if not user.has_perm("massmail.add_emlmessage"):
            self.fields["how"].choices = HOW[:1]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        needed = {EXISTING: "message", NEW: "subject"}.get(cleaned.get("how", ""))
        if needed and not cleaned.get(needed) and needed not in self.errors:
            self.add_error(needed, self.fields[needed].error_messages["required"])
        if needed == "subject" and cleaned.get("subject"):
            message = self.new_message(cleaned["subject"], cleaned.get("layout", ""))
            cleaned["message"] = message
            self.check(message)
        return cleaned

    def new_message(self, subject: str, layout: str) -> EmlMessage:
        """Unsaved; a text that can be launched as it is."""
        company_name = MassmailSettings.load().company_name
        return EmlMessage(
            owner=self.user,
            department=access_policy().departments(self.user).first(),
            subject=subject,
            content=starter_html(
                company_name=company_name,
                variables=self.source.variables,
                layout=layout_named(layout),
            ),
            signature=self.user.massmail_signature_set.filter(is_default=True).first(),
        )

    def check(self, message: EmlMessage) -> None:
        """A subject may hold variables, so it may hold mistakes."""
        if text := misfit(message, self.source):
            self.add_error("subject", text)
            return
        try:
            message.full_clean()
        except ValidationError as error:
            self.add_error("subject", error.messages)


def messages_of(user: Any) -> QuerySet[EmlMessage]:
    """The messages that the user may send, those changed last at the top."""
    return access_policy().visible(user, EmlMessage.objects.order_by("-updated_at"))
