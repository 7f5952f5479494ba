"""What superusers decide for the whole installation."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from massmail.conf import conf

# The key of the one row.
SINGLETON = 1


def first_days() -> list[int]:
    """Monday to Thursday."""
    return [0, 1, 2, 3]


class MassmailSettings(models.Model):
    """The one row behind "Home › Settings › Massmail Settings"."""

    emails_per_day = models.PositiveIntegerField(
        _("emails per day"),
        default=94,
        validators=[MinValueValidator(1)],
        help_text=_("For each account that has no limit of its own."),
    )
    use_business_time = models.BooleanField(
        _("use business time"),
        default=False,
        help_text=_("Send mailings on business days and within business hours only."),
    )
    business_days = models.JSONField(
        _("business days"),
        default=first_days,
        help_text=_("Days of the week from 0 (Monday) to 6 (Sunday)."),
    )
    business_time_start = models.TimeField(_("from"), default=dt.time(8, 30))
    business_time_end = models.TimeField(_("until"), default=dt.time(17, 30))
    time_zone = models.CharField(
        _("time zone"),
        max_length=64,
        blank=True,
        help_text=_("For example Europe/Berlin; the site's own when blank."),
    )
    use_recipient_time_zone = models.BooleanField(
        _("by the recipients' clocks"),
        default=False,
        help_text=_(
            "Business time is that of each recipient's own time zone, where it is "
            "known, and else of the zone above."
        ),
    )
    holiday_calendar = models.CharField(
        _("holiday calendar"),
        max_length=16,
        blank=True,
        help_text=_("Country, or country-region, for example DE or DE-BY."),
    )
    extra_holidays = models.JSONField(
        _("further days off"),
        default=list,
        blank=True,
        help_text=_('Dates in the form ["2027-05-14"].'),
    )
    unsubscribe_redirect_url = models.URLField(
        _("URL to unsubscribe"),
        blank=True,
        help_text=_("The company's page that people see after unsubscribing."),
    )
    public_base_url = models.URLField(
        _("address of the recipients' pages"),
        blank=True,
        help_text=_("For example https://news.example.com"),
    )
    company_name = models.CharField(_("company name"), max_length=200, blank=True)
    postal_address = models.TextField(
        _("postal address"),
        blank=True,
        help_text=_("The law of most countries wants it in every mailing."),
    )
    logo = models.BinaryField(blank=True, default=b"")
    logo_type = models.CharField(max_length=20, blank=True, editable=False)
    brand_color = models.CharField(
        _("company colour"),
        max_length=7,
        blank=True,
        validators=[
            RegexValidator(r"^#[0-9A-Fa-f]{6}\Z", _("A colour has the form #1f4e79."))
        ],
        help_text=_("Of the buttons on the recipients' pages, in the form #1f4e79."),
    )
    view_days = models.PositiveIntegerField(
        _("days in the browser"),
        default=90,
        help_text=_(
            "How long a mail can be read in the browser after it was sent; 0: not at"
            " all."
        ),
    )
    track_opens = models.BooleanField(
        _("note opens"),
        default=False,
        help_text=_("By an invisible picture; many countries want consent for it."),
    )
    track_clicks = models.BooleanField(
        _("note clicks"),
        default=False,
        help_text=_("By links that lead over this site."),
    )
    utm_source = models.CharField(
        _("UTM source"),
        max_length=100,
        default="newsletter",
        help_text=_("For mailings with a UTM campaign."),
    )
    soft_bounce_count = models.PositiveIntegerField(
        _("failures in a row"),
        default=3,
        help_text=_(
            "So many mailings that fail for the time being put an address on the"
            " don't-mail list; 0: never. One that does not exist goes there at once."
        ),
    )
    soft_bounce_days = models.PositiveIntegerField(
        _("within days"), default=90, validators=[MinValueValidator(1)]
    )

    class Meta:
        verbose_name = _("massmail settings")
        verbose_name_plural = _("massmail settings")

    def __str__(self) -> str:
        return str(_("Massmail settings"))

    def save(self, *args: object, **kwargs: object) -> None:
        self.pk = SINGLETON
        super().save(*args, **kwargs)  # type: ignore[arg-type]

    @classmethod
    def load(cls) -> MassmailSettings:
        """The row, or the defaults while nobody has saved it."""
        return cls.objects.filter(pk=SINGLETON).first() or cls(pk=SINGLETON)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone or settings.TIME_ZONE)

    @property
    def base_url(self) -> str:
        """Where the recipients' pages are, without a slash at the end."""
        return (self.public_base_url or conf.PUBLIC_BASE_URL).rstrip("/")

    def clean(self) -> None:
        errors: dict[str, Any] = {}
        start, end = self.business_time_start, self.business_time_end
        if start is not None and end is not None and start >= end:
            errors["business_time_end"] = _("Must be later than the beginning.")
        # `URLField` takes ftp, too, which no browser opens any more.
        for field in ("unsubscribe_redirect_url", "public_base_url"):
            scheme = getattr(self, field).partition(":")[0].lower()
            if scheme not in ("", "http", "https"):
                errors[field] = _("Must begin with https:// or http://.")
        if self.time_zone and self.time_zone not in available_timezones():
            errors["time_zone"] = _("There is no such time zone.")
        if not is_day_list(self.business_days):
            errors["business_days"] = _("Choose at least one day from 0 to 6.")
        if not is_date_list(self.extra_holidays):
            errors["extra_holidays"] = _('Give dates in the form ["2027-05-14"].')
        if self.holiday_calendar and not is_calendar(self.holiday_calendar):
            errors["holiday_calendar"] = _("There is no such calendar.")
        if errors:
            raise ValidationError(errors)


def is_day_list(value: object) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(type(day) is int and 0 <= day <= 6 for day in value)
    )


def is_date_list(value: object) -> bool:
    try:
        return isinstance(value, list) and all(
            bool(dt.date.fromisoformat(day)) for day in value
        )
    except (TypeError, ValueError):
        return False


def is_calendar(name: str) -> bool:
    """Whether the holidays package knows the country and its region."""
    from holidays import list_supported_countries

    country, _dash, region = name.partition("-")
    regions = list_supported_countries().get(country)
    return regions is not None and (not region or region in regions)
