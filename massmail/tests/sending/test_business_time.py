"""Business time: open or not, and when next; right over every change of the clocks."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from massmail.models import MassmailSettings
from massmail.sending.business_time import BusinessTime, business_time, holidays_of

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
SANTIAGO = ZoneInfo("America/Santiago")  # its clocks change at midnight
ALL_WEEK = frozenset(range(7))
SECOND = dt.timedelta(seconds=1)
MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1)


def hours(zone=BERLIN, start="08:30", end="17:30", days=(0, 1, 2, 3), **fields):
    return BusinessTime(
        days=frozenset(days),
        start=dt.time.fromisoformat(start),
        end=dt.time.fromisoformat(end),
        zone=zone,
        **fields,
    )


def at(text, zone=BERLIN, fold=0):
    """A local time as a moment in UTC."""
    local = dt.datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)
    return local.astimezone(dt.UTC)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2027-03-10 08:29:59.999999", False),
        ("2027-03-10 08:30", True),
        ("2027-03-10 17:29:59.999999", True),
        ("2027-03-10 17:30", False),
        ("2027-03-11 12:00", True),  # a Thursday
        ("2027-03-12 12:00", False),  # a Friday
        ("2027-03-14 12:00", False),
    ],
)
def test_it_is_open_from_the_opening_to_just_before_the_closing(moment, is_open):
    assert hours().is_open(at(moment)) is is_open


@pytest.mark.parametrize(
    ("moment", "opening"),
    [
        ("2027-03-10 03:00", "2027-03-10 08:30"),
        ("2027-03-10 12:34:56", "2027-03-10 12:34:56"),
        ("2027-03-10 17:30", "2027-03-11 08:30"),
        ("2027-03-11 17:30", "2027-03-15 08:30"),
        ("2027-03-13 09:00", "2027-03-15 08:30"),
    ],
)
def test_the_next_opening_is_now_or_on_the_next_business_day(moment, opening):
    assert hours().next_opening(at(moment)) == at(opening)


def test_a_moment_in_another_zone_is_the_same_moment():
    moment = at("2027-03-10 08:30")

    assert hours().is_open(moment.astimezone(NEW_YORK))
    assert hours().is_open(moment.astimezone(ZoneInfo("Pacific/Kiritimati")))


def test_days_are_those_of_the_zone():
    tuesday_in_auckland = hours(ZoneInfo("Pacific/Auckland"), days=[1])

    assert tuesday_in_auckland.is_open(dt.datetime(2027, 3, 8, 20, tzinfo=dt.UTC))
    assert not tuesday_in_auckland.is_open(dt.datetime(2027, 3, 9, 8, tzinfo=dt.UTC))


@pytest.mark.parametrize(
    ("zone", "before", "after"),
    [
        (BERLIN, "2027-03-27", "2027-03-28"),
        (BERLIN, "2027-10-30", "2027-10-31"),
        (NEW_YORK, "2027-03-13", "2027-03-14"),
        (NEW_YORK, "2027-11-06", "2027-11-07"),
        (SANTIAGO, "2027-04-03", "2027-04-04"),
        (SANTIAGO, "2027-09-04", "2027-09-05"),
    ],
)
def test_it_opens_at_the_same_local_hour_on_both_sides_of_a_change(zone, before, after):
    week = hours(zone, days=ALL_WEEK)
    for day in (before, after):
        opening, closing = week.hours(dt.date.fromisoformat(day))
        assert opening == at(f"{day} 08:30", zone)
        assert closing == at(f"{day} 17:30", zone)
        assert closing - opening == 9 * HOUR
        assert not week.is_open(opening - MINUTE)
        assert week.is_open(closing - MINUTE)
        assert not week.is_open(closing)
    assert week.next_opening(at(f"{before} 18:00", zone)) == at(f"{after} 08:30", zone)


def test_an_hour_that_is_skipped_begins_when_the_clock_has_jumped():
    """Berlin, 28 March 2027: 02:00 is 03:00."""
    night = hours(start="02:00", end="04:00", days=ALL_WEEK)
    opening, closing = night.hours(dt.date(2027, 3, 28))

    assert opening == at("2027-03-28 03:00")
    assert closing - opening == HOUR
    assert night.is_open(opening)
    assert not night.is_open(opening - MINUTE)


def test_an_hour_that_comes_twice_belongs_to_the_day_twice():
    """Berlin, 31 October 2027: 03:00 is 02:00 again."""
    night = hours(start="02:00", end="03:00", days=ALL_WEEK)
    opening, closing = night.hours(dt.date(2027, 10, 31))

    assert closing - opening == 2 * HOUR
    assert night.is_open(at("2027-10-31 02:30", fold=0))
    assert night.is_open(at("2027-10-31 02:30", fold=1))


def test_closing_in_the_hour_that_comes_twice_is_the_second_one():
    night = hours(start="01:00", end="02:30", days=ALL_WEEK)

    assert night.is_open(at("2027-10-31 02:15", fold=1))
    assert not night.is_open(at("2027-10-31 02:30", fold=1))


def test_a_midnight_that_does_not_exist_opens_at_one():
    """Santiago, 5 September 2027: 00:00 is 01:00."""
    all_day = hours(SANTIAGO, start="00:00", end="23:59", days=[6])
    opening = at("2027-09-05 01:00", SANTIAGO)

    assert all_day.next_opening(at("2027-09-04 20:00", SANTIAGO)) == opening
    assert not all_day.is_open(opening - MINUTE)


def test_the_last_hour_that_comes_twice_stays_in_its_day():
    """Santiago, 4 April 2027 begins an hour late: 23:00 comes twice on the 3rd."""
    evening = hours(SANTIAGO, start="22:00", end="23:45", days=[5])

    assert evening.is_open(at("2027-04-03 23:30", SANTIAGO, fold=0))
    assert evening.is_open(at("2027-04-03 23:59", SANTIAGO, fold=0))
    assert evening.is_open(at("2027-04-03 23:30", SANTIAGO, fold=1))
    assert not evening.is_open(at("2027-04-03 23:45", SANTIAGO, fold=1))


@pytest.mark.parametrize(
    ("calendar", "day", "is_open"),
    [
        ("DE", "2027-01-01", False),
        ("DE", "2027-01-06", True),
        ("DE-BY", "2027-01-06", False),
        ("DE-BY", "2027-05-27", False),  # Corpus Christi, a Thursday
        ("DE-BE", "2027-05-27", True),
        ("", "2027-01-01", True),
        ("US", "2027-11-25", False),  # Thanksgiving
    ],
)
def test_holidays_are_those_of_the_country_and_its_region(calendar, day, is_open):
    office = hours(days=ALL_WEEK, calendar=calendar)

    assert office.is_open(at(f"{day} 12:00")) is is_open


def test_days_off_of_our_own_come_on_top():
    office = hours(days_off=frozenset([dt.date(2027, 3, 10), dt.date(2027, 3, 11)]))

    assert not office.is_open(at("2027-03-10 12:00"))
    assert office.next_opening(at("2027-03-10 12:00")) == at("2027-03-15 08:30")


def test_holidays_of_two_years_are_found_at_their_border():
    office = hours(days=ALL_WEEK, calendar="DE")

    assert office.next_opening(at("2027-12-31 18:00")) == at("2028-01-02 08:30")


def test_without_a_business_day_ahead_there_is_no_opening():
    never = hours(days=[])
    off = hours(
        days=[2],
        days_off=frozenset(
            dt.date(2027, 3, 10) + dt.timedelta(weeks=week) for week in range(60)
        ),
    )

    assert never.next_opening(at("2027-03-10 12:00")) is None
    assert off.next_opening(at("2027-03-10 12:00")) is None
    assert not never.is_open(at("2027-03-10 12:00"))


zones = st.sampled_from(
    [
        "Europe/Berlin",
        "America/New_York",
        "America/Santiago",
        "Africa/Cairo",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "Pacific/Auckland",
        "UTC",
    ]
).map(ZoneInfo)
moments = st.integers(0, 4 * 365 * 86400).map(
    lambda seconds: dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + seconds * SECOND
)
clock_times = st.times().map(lambda time: time.replace(microsecond=0))


@given(
    zone=zones,
    now=moments,
    start=clock_times,
    end=clock_times,
    days=st.frozensets(st.integers(0, 6), min_size=1),
    probes=st.lists(st.integers(0, 999), max_size=20),
)
def test_the_next_opening_is_open_and_nothing_before_it_is(
    zone, now, start, end, days, probes
):
    assume(start < end)
    office = BusinessTime(days, start, end, zone)

    opening = office.next_opening(now)

    assert opening >= now
    assert office.is_open(opening)
    assert office.is_open(now) is (opening == now)
    assert opening - now < dt.timedelta(days=15)
    assert office.next_opening(opening) == opening
    for probe in probes:
        earlier = now + (opening - now) * probe // 1000
        assert earlier == opening or not office.is_open(earlier)


@given(now=moments, zone=zones, day=st.integers(-400, 400))
def test_every_day_has_its_hours_in_its_own_order(now, zone, day):
    office = hours(zone, days=ALL_WEEK)
    date = now.date() + dt.timedelta(days=day)
    opening, closing = office.hours(date)

    assert opening < closing
    assert closing < office.hours(date + dt.timedelta(days=1))[0]


def test_the_settings_say_when(settings):
    settings.TIME_ZONE = "Europe/Paris"
    row = MassmailSettings(use_business_time=True, extra_holidays=["2027-05-14"])

    office = business_time(row)

    assert office == BusinessTime(
        days=frozenset([0, 1, 2, 3]),
        start=dt.time(8, 30),
        end=dt.time(17, 30),
        zone=ZoneInfo("Europe/Paris"),
        days_off=frozenset([dt.date(2027, 5, 14)]),
    )


def test_switched_off_there_is_none():
    assert business_time(MassmailSettings(business_days=[])) is None


def test_an_unknown_region_is_an_error():
    with pytest.raises(NotImplementedError):
        holidays_of("DE-XX", 2027)
