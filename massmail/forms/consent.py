"""Why a colleague changes whether somebody gets mailings."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class ConsentForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=150,
        help_text=_("For example: said so on the phone. It is kept."),
    )
