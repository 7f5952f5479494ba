"""When mailings may be sent: pure functions of `now`, right over both DST changes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from massmail.models import MassmailSettings

# Longer than any run of holidays; a calendar without a business day ends there.
HORIZON_DAYS = 400


@dataclass(frozen=True, slots=True)
class BusinessTime:
    """Opening hours on some days of the week (0 = Monday), in one time zone."""

    days: frozenset[int]
    start: dt.time
    end: dt.time
    zone: ZoneInfo
    calendar: str = ""
    days_off: frozenset[dt.date] = field(default_factory=frozenset)
    # By each recipient's own clock; `zone` is for those whose zone is not known.
    by_recipient: bool = False

    def is_open(self, now: dt.datetime) -> bool:
        opening, closing = self.hours(now.astimezone(self.zone).date())
        return opening <= now < closing

    def next_opening(self, now: dt.datetime) -> dt.datetime | None:
        """`now` while open, else the next opening; None when there is none ahead."""
        today = now.astimezone(self.zone).date()
        for offset in range(HORIZON_DAYS):
            opening, closing = self.hours(today + dt.timedelta(days=offset))
            if now < closing and opening < closing:
                return max(now, opening)
        return None

    def hours(self, day: dt.date) -> tuple[dt.datetime, dt.datetime]:
        """Opening and closing of a day in UTC; the same moment on a day off.

        An hour that the clock skips begins after the gap; one that it repeats
        belongs to the day from its first beginning to its second end (PEP 495).
        """
        opening = self._moment(day, self.start, fold=0)
        if day.weekday() not in self.days or self.is_holiday(day):
            return opening, opening
        return opening, self._moment(day, self.end, fold=1)

    def holds_everybody(self, now: dt.datetime) -> bool:
        """Closed for all; by the recipients' clocks each one is asked about."""
        return not (self.by_recipient or self.is_open(now))

    def at(self, zone_name: str) -> BusinessTime:
        """The same hours by a recipient's clock."""
        zone = self.by_recipient and zone_called(zone_name)
        return replace(self, zone=zone) if zone else self

    def closing(self, now: dt.datetime) -> dt.datetime:
        """When the hours end that are open now."""
        return self.hours(now.astimezone(self.zone).date())[1]

    def is_holiday(self, day: dt.date) -> bool:
        return day in self.days_off or (
            bool(self.calendar) and day in holidays_of(self.calendar, day.year)
        )

    def _moment(self, day: dt.date, time: dt.time, *, fold: int) -> dt.datetime:
        local = dt.datetime.combine(day, time, tzinfo=self.zone).replace(fold=fold)
        exists = local.astimezone(dt.UTC).astimezone(self.zone).time() == time
        if not exists:
            local = local.replace(fold=0)
        return local.astimezone(dt.UTC)


def business_time(settings: MassmailSettings) -> BusinessTime | None:
    """The installation's business time; None while it is switched off."""
    if not settings.use_business_time:
        return None
    return BusinessTime(
        days=frozenset(settings.business_days),
        start=settings.business_time_start,
        end=settings.business_time_end,
        zone=settings.zone,
        calendar=settings.holiday_calendar,
        days_off=parse_dates(settings.extra_holidays),
        by_recipient=settings.use_recipient_time_zone,
    )


@lru_cache(maxsize=1024)
def zone_called(name: str) -> ZoneInfo | None:
    """None for what the host's records may hold instead of a time zone."""
    try:
        return ZoneInfo(name) if name else None
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return None


def parse_dates(values: Iterable[str]) -> frozenset[dt.date]:
    return frozenset(dt.date.fromisoformat(value) for value in values)


@lru_cache(maxsize=64)
def holidays_of(calendar: str, year: int) -> frozenset[dt.date]:
    """Public holidays of a country or a country's region (`DE`, `DE-BY`)."""
    from holidays import country_holidays

    country, _dash, region = calendar.partition("-")
    return frozenset(country_holidays(country, subdiv=region or None, years=year))
