"""When a mailing ends if it goes on as in the last hour."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from massmail.reports.pace import Pace
from massmail.sending.business_time import BusinessTime
from massmail.site.mailing_pace import end_at

WEEKDAYS = BusinessTime(
    days=frozenset(range(5)),
    start=dt.time(9),
    end=dt.time(18),
    zone=ZoneInfo("Europe/Berlin"),
)
BERLIN = WEEKDAYS.zone
FRIDAY_AT_FIVE = dt.datetime(2026, 5, 15, 17, tzinfo=BERLIN)


def test_at_all_hours_it_goes_on_through_the_night():
    end = end_at(Pace(last_hour=60), 600, FRIDAY_AT_FIVE, None)

    assert end == FRIDAY_AT_FIVE + dt.timedelta(hours=10, minutes=-1)


@pytest.mark.parametrize(
    ("waiting", "day", "time"),
    [
        (60, dt.date(2026, 5, 15), dt.time(17, 59)),
        (61, dt.date(2026, 5, 18), dt.time(9)),
        (60 + 9 * 60 + 30, dt.date(2026, 5, 19), dt.time(9, 29)),
    ],
)
def test_evenings_and_weekends_are_no_time_to_send(waiting, day, time):
    end = end_at(Pace(last_hour=60), waiting, FRIDAY_AT_FIVE, WEEKDAYS)

    assert end == dt.datetime.combine(day, time, tzinfo=BERLIN)


@pytest.mark.parametrize(("waiting", "last_hour"), [(0, 60), (60, 0)])
def test_what_does_not_go_has_no_end(waiting, last_hour):
    assert end_at(Pace(last_hour=last_hour), waiting, FRIDAY_AT_FIVE, None) is None


def test_without_any_business_day_there_is_none():
    never = BusinessTime(frozenset(), dt.time(9), dt.time(18), BERLIN)

    assert end_at(Pace(last_hour=60), 10, FRIDAY_AT_FIVE, never) is None
