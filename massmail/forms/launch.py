"""When a mailing begins and ends, and why a finding may be passed over."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from massmail.models import MailingOut

# Farther away than this, a year was mistyped.
REACH = dt.timedelta(days=3653)
# The form that browsers' own date and time picker speaks; in the site's time zone.
PICKER_FORMAT = "%Y-%m-%dT%H:%M"


class Picker(forms.DateTimeInput):
    """The browser's own, so that it works on phones and without scripts."""

    input_type = "datetime-local"

    def __init__(self, **attrs: Any) -> None:
        super().__init__(attrs=attrs, format=PICKER_FORMAT)


def require_within_reach(moment: dt.datetime) -> None:
    """Sums of moments near the calendar's ends cannot be stored or shown."""
    if abs(moment - timezone.now()) > REACH:
        raise forms.ValidationError(_("This is more than ten years away."))


def require_order(form: forms.BaseForm, cleaned: dict[str, Any]) -> None:
    """The end comes after the begin, where both are given."""
    start, end = cleaned.get("start_at"), cleaned.get("expires_at")
    if start and end and end <= start:
        form.add_error("expires_at", _("It must end after it has begun."))


class MomentField(forms.DateTimeField):
    """A moment at which a mailing begins or ends."""

    widget = Picker
    default_validators = [require_within_reach]


class ScheduleForm(forms.Form):
    """Begin and end; both may stay open."""

    start_at = MomentField(
        label=_("Begin"),
        required=False,
        help_text=_("Blank: at once."),
    )
    expires_at = MomentField(
        label=_("End"),
        required=False,
        help_text=_("Who has not been mailed by then will not be. Blank: no end."),
    )

    def clean_start_at(self) -> Any:
        start = self.cleaned_data["start_at"]
        if start and start < timezone.now():
            raise forms.ValidationError(
                _("This is in the past. Leave it blank to begin at once.")
            )
        return start

    def clean_expires_at(self) -> Any:
        end = self.cleaned_data["expires_at"]
        if end and end <= timezone.now():
            raise forms.ValidationError(_("This is in the past."))
        return end

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        require_order(self, cleaned)
        return cleaned


class LaunchForm(ScheduleForm):
    """When it begins and ends, and why a finding is passed over."""

    override_reason = forms.CharField(
        label=_("Why it is launched nevertheless"),
        max_length=500,
        required=False,
        help_text=_("Is kept with the mailing."),
    )


def schedule_of(mailing: MailingOut) -> dict[str, Any]:
    """What the form begins with; a start that has passed means: at once."""
    start = mailing.start_at
    return {
        "start_at": start if start and start > timezone.now() else None,
        "expires_at": mailing.expires_at,
    }
