"""The one form of Home › Settings › Massmail Settings."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.core.validators import URLValidator
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from settings.models import MassmailSettings

WEB_ADDRESS = URLValidator(schemes=["http", "https"])


class DatesField(forms.CharField):
    """Dates, one per line; for the model a list of ISO dates in their order."""

    widget = forms.Textarea(attrs={"rows": 6, "cols": 12})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        lines = [line.strip() for line in super().to_python(value).splitlines()]
        return sorted({self.iso_date(line) for line in lines if line})

    def iso_date(self, text: str) -> str:
        try:
            return dt.date.fromisoformat(text).isoformat()
        except ValueError as error:
            message = _("“%(text)s” is no date in the form 2027-05-14.")
            raise forms.ValidationError(message % {"text": text}) from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)


class MassmailSettingsForm(forms.ModelForm):
    business_days = forms.TypedMultipleChoiceField(
        label=_("Business days"),
        choices=list(WEEKDAYS.items()),
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
    )
    extra_holidays = DatesField(
        label=_("Further days off"),
        required=False,
        help_text=_("One date per line in the form 2027-05-14."),
    )
    unsubscribe_redirect_url = forms.URLField(
        label=_("URL to unsubscribe"),
        required=False,
        assume_scheme="https",
        validators=[WEB_ADDRESS],
        help_text=_("The company's page that people see after unsubscribing."),
    )
    public_base_url = forms.URLField(
        label=_("Address of the recipients' pages"),
        required=False,
        assume_scheme="https",
        validators=[WEB_ADDRESS],
        help_text=_("For example https://news.example.com; this site's when blank."),
    )

    class Meta:
        model = MassmailSettings
        fields = [
            "company_name",
            "postal_address",
            "unsubscribe_redirect_url",
            "public_base_url",
            "emails_per_day",
            "use_business_time",
            "business_days",
            "business_time_start",
            "business_time_end",
            "time_zone",
            "holiday_calendar",
            "extra_holidays",
        ]
