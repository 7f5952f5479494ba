"""How a mailing is made anew."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class DuplicateForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=250,
        help_text=_("For you and your colleagues; recipients do not see it."),
    )
    without_received = forms.BooleanField(
        label=_("Leave out who has received this message already"), required=False
    )
