"""The one form of Massmail Settings."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.core.validators import URLValidator
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from massmail.models import MassmailSettings

WEB_ADDRESS = URLValidator(schemes=["http", "https"])
# A page for recipients stays below 50 kB with it.
MAX_LOGO_BYTES = 30_000
PICTURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}


class DatesField(forms.CharField):
    """Dates, one per line; for the model a list of ISO dates in their order."""

    widget = forms.Textarea(attrs={"rows": 6, "cols": 12})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value) or ""
        lines = [line.strip() for line in text.splitlines()]
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

    new_logo = forms.FileField(
        label=_("Company logo"),
        required=False,
        help_text=_(
            "PNG, JPEG or GIF up to 30 kB; it stands on the recipients' pages."
        ),
    )
    remove_logo = forms.BooleanField(label=_("Without a logo"), required=False)

    class Meta:
        model = MassmailSettings
        fields = [
            "company_name",
            "brand_color",
            "postal_address",
            "unsubscribe_redirect_url",
            "public_base_url",
            "view_days",
            "track_opens",
            "track_clicks",
            "utm_source",
            "soft_bounce_count",
            "soft_bounce_days",
            "emails_per_day",
            "use_business_time",
            "business_days",
            "business_time_start",
            "business_time_end",
            "time_zone",
            "use_recipient_time_zone",
            "holiday_calendar",
            "extra_holidays",
        ]

    # Left out or left blank they keep what they are.
    OPTIONAL = ("view_days", "utm_source", "soft_bounce_count", "soft_bounce_days")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.OPTIONAL:
            self.fields[name].required = False

    def clean_new_logo(self) -> Any:
        upload = self.cleaned_data["new_logo"]
        if upload is None:
            return None
        content = upload.read(MAX_LOGO_BYTES + 1)
        kind = picture_type(content)
        if not kind or len(content) > MAX_LOGO_BYTES:
            raise forms.ValidationError(_("Give a PNG, JPEG or GIF up to 30 kB."))
        return kind, content

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name in self.OPTIONAL:
            if cleaned.get(name) in (None, ""):
                cleaned[name] = getattr(self.instance, name)
        return cleaned

    def save(self, commit: bool = True) -> Any:
        if self.cleaned_data["remove_logo"]:
            self.instance.logo_type, self.instance.logo = "", b""
        if logo := self.cleaned_data["new_logo"]:
            self.instance.logo_type, self.instance.logo = logo
        return super().save(commit)


def picture_type(content: bytes) -> str:
    """By what the file begins with, since its name may say anything."""
    for start, kind in PICTURES.items():
        if content.startswith(start):
            return kind
    return ""
