"""How long an account is to rest."""

from __future__ import annotations

import datetime as dt

from django import forms
from django.utils.translation import gettext_lazy as _

DURATIONS = [
    ("", _("until it is activated again")),
    ("1", _("for an hour")),
    ("4", _("for four hours")),
    ("24", _("for a day")),
    ("72", _("for three days")),
]


class PauseForm(forms.Form):
    """Hours, so that no zone and no clock has to be agreed on; blank is no end."""

    hours = forms.ChoiceField(label=_("Pause"), choices=DURATIONS, required=False)

    def until(self, now: dt.datetime) -> dt.datetime | None:
        hours = self.cleaned_data["hours"]
        return now + dt.timedelta(hours=int(hours)) if hours else None
