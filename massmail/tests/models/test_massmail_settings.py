"""The one row of settings: defaults, what it refuses."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError

from massmail.models import MassmailSettings

pytestmark = pytest.mark.django_db


def test_the_defaults_are_those_that_users_know():
    row = MassmailSettings.load()

    assert row.emails_per_day == 94
    assert row.use_business_time is False
    assert row.business_days == [0, 1, 2, 3]
    assert (row.business_time_start, row.business_time_end) == (
        dt.time(8, 30),
        dt.time(17, 30),
    )
    assert (row.holiday_calendar, row.extra_holidays) == ("", [])
    assert not MassmailSettings.objects.exists()
    row.full_clean()


def test_there_is_one_row():
    MassmailSettings(emails_per_day=5).save()
    MassmailSettings(emails_per_day=7).save()

    assert MassmailSettings.objects.count() == 1
    assert MassmailSettings.load().emails_per_day == 7


def test_two_rows_do_not_share_their_lists():
    MassmailSettings().business_days.append(6)

    assert MassmailSettings().business_days == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("unsubscribe_redirect_url", "ftp://example.com/"),
        ("public_base_url", "FTPS://example.com/"),
        ("public_base_url", "http://["),
        ("emails_per_day", 0),
        ("emails_per_day", -1),
        ("business_days", []),
        ("business_days", [7]),
        ("business_days", [-1]),
        ("business_days", ["0"]),
        ("business_days", [True]),
        ("business_days", {"0": 1}),
        ("business_days", 3),
        ("extra_holidays", ["14.05.2027"]),
        ("extra_holidays", ["2027-02-30"]),
        ("extra_holidays", [20270514]),
        ("extra_holidays", "2027-05-14"),
        ("extra_holidays", {"2027-05-14": 1}),
        ("time_zone", "Europe/Atlantis"),
        ("time_zone", "../etc/passwd"),
        ("holiday_calendar", "XX"),
        ("holiday_calendar", "DE-XX"),
        ("holiday_calendar", "de"),
        ("business_time_end", dt.time(8, 30)),
        ("business_time_end", dt.time(8)),
        ("unsubscribe_redirect_url", "javascript:alert(1)"),
        ("public_base_url", "not an address"),
    ],
)
def test_what_cannot_be_meant_is_refused(field, value):
    with pytest.raises(ValidationError) as caught:
        MassmailSettings(**{field: value}).full_clean()

    assert set(caught.value.message_dict) == {field}


@pytest.mark.parametrize("field", ["business_time_start", "business_time_end"])
def test_hours_that_are_missing_are_named(field):
    with pytest.raises(ValidationError) as caught:
        MassmailSettings(**{field: None}).full_clean()

    assert set(caught.value.message_dict) == {field}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("business_days", [0, 1, 2, 3, 4, 5, 6]),
        ("extra_holidays", ["2027-05-14", "2028-02-29"]),
        ("time_zone", "Asia/Kathmandu"),
        ("holiday_calendar", "DE-BY"),
        ("holiday_calendar", "US"),
        ("public_base_url", "https://news.example.com"),
    ],
)
def test_what_is_meant_is_accepted(field, value):
    MassmailSettings(**{field: value}).full_clean()


def test_the_zone_is_the_sites_own_when_blank(settings):
    settings.TIME_ZONE = "Europe/Paris"

    assert MassmailSettings().zone == ZoneInfo("Europe/Paris")
    assert MassmailSettings(time_zone="Asia/Tokyo").zone == ZoneInfo("Asia/Tokyo")


def test_the_public_address_comes_from_the_deployment_when_blank(settings):
    settings.MASSMAIL = {**settings.MASSMAIL, "PUBLIC_BASE_URL": "https://a.example/"}

    assert MassmailSettings().base_url == "https://a.example"
    assert MassmailSettings(public_base_url="https://b.example/x/").base_url == (
        "https://b.example/x"
    )
