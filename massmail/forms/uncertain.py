"""What a person decides about messages whose fate nobody knows."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q, QuerySet, TextChoices
from django.utils.translation import gettext_lazy as _

from common.utils.helpers import is_whole_number
from massmail.models import Delivery


class Decision(TextChoices):
    SENT = "sent", _("Count as sent")
    AGAIN = "again", _("Send again")


class KeysField(forms.Field):
    """Primary keys of ticked rows; which of them exist is the query's to say."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value: Any) -> list[int]:
        texts = [str(text) for text in value or []]
        if not all(is_whole_number(text) for text in texts):
            raise forms.ValidationError(_("Choose from the list."))
        return [int(text) for text in texts]


class DecisionForm(forms.Form):
    """The ticked rows, or all that were uncertain when the list was shown.

    Not those that became so afterwards: nobody has seen them.
    """

    decision = forms.ChoiceField(choices=Decision)
    rows = KeysField(required=False)
    everything = forms.BooleanField(required=False)
    seen_at = forms.DateTimeField()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not (cleaned.get("rows") or cleaned.get("everything")):
            raise forms.ValidationError(_("Choose at least one message."))
        return cleaned

    def chosen(self, uncertain: QuerySet[Delivery]) -> QuerySet[Delivery]:
        if not self.cleaned_data["everything"]:
            return uncertain.filter(pk__in=self.cleaned_data["rows"])
        seen_at = self.cleaned_data["seen_at"]
        return uncertain.filter(Q(result_at=None) | Q(result_at__lte=seen_at))

    def first_error(self) -> str:
        return next(str(text) for texts in self.errors.values() for text in texts)
