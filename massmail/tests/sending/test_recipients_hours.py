"""Business hours by each recipient's own clock."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from massmail.models import Delivery, MassmailSettings
from massmail.orchestrator.walk import walk_account_queues
from massmail.sending.claiming import claim_batch
from massmail.tests.factories import NOW
from massmail.tests.mailings import ready_settings

pytestmark = pytest.mark.django_db
# NOW is Wednesday noon in UTC: 13:00 in Berlin, 23:00 in Sydney, 7:00 in New York.
SYDNEY_OPENS = dt.datetime(2027, 3, 10, 21, 30, tzinfo=dt.UTC)
NEW_YORK_OPENS = dt.datetime(2027, 3, 10, 13, 30, tzinfo=dt.UTC)


@pytest.fixture
def by_recipient(db):
    return ready_settings(
        use_business_time=True,
        use_recipient_time_zone=True,
        time_zone="Europe/Berlin",
    )


@pytest.fixture
def claim(account):
    def claim(now=NOW):
        return [
            row.pk for row in claim_batch(account.pk, uuid.uuid4(), now=now).deliveries
        ]

    return claim


def not_before(row):
    row.refresh_from_db()
    return row.status, row.not_before, row.reason


def test_only_those_whose_hours_are_open_are_claimed(by_recipient, rows, claim):
    [sydney] = rows(time_zone="Australia/Sydney")
    [new_york] = rows(time_zone="America/New_York")
    [berlin] = rows(time_zone="Europe/Berlin")
    [unknown] = rows(time_zone="")
    [nonsense] = rows(time_zone="Mars/Olympus")

    assert claim() == [berlin.pk, unknown.pk, nonsense.pk]

    assert not_before(sydney) == ("queued", SYDNEY_OPENS, "recipients_hours")
    assert not_before(new_york) == ("queued", NEW_YORK_OPENS, "recipients_hours")
    assert claim(NEW_YORK_OPENS) == [new_york.pk]
    assert claim(SYDNEY_OPENS - dt.timedelta(microseconds=1)) == []
    assert claim(SYDNEY_OPENS) == [sydney.pk]


@pytest.mark.parametrize("name", ["../etc/passwd", "/", "Europe", "a\0b", "x" * 64])
def test_a_zone_that_is_none_counts_as_not_known(by_recipient, rows, claim, name):
    if "\0" in name and connection.vendor == "postgresql":
        name = "Europe/"
    [row] = rows(time_zone=name)

    assert claim() == [row.pk]


def test_the_installations_closed_hours_hold_only_those_without_a_zone(
    by_recipient, rows, claim, account
):
    [sydney] = rows(time_zone="Australia/Sydney")
    [unknown] = rows(time_zone="")
    now = SYDNEY_OPENS

    assert walk_account_queues(now) == [account.pk]
    assert claim(now) == [sydney.pk]
    assert not_before(unknown)[1] == dt.datetime(2027, 3, 11, 7, 30, tzinfo=dt.UTC)
    assert walk_account_queues(now) == []


def test_a_closed_zone_is_put_off_at_once_however_many_it_has(
    by_recipient, rows, claim, account
):
    rows(30, time_zone="Australia/Sydney")
    [berlin] = rows(time_zone="Europe/Berlin")

    with CaptureQueriesContext(connection) as queries:
        assert claim() == [berlin.pk]

    updates = [q for q in queries if "not_before" in q["sql"].partition("WHERE")[0]]
    updates = [q for q in updates if q["sql"].startswith("UPDATE")]
    assert len(updates) == 1
    assert Delivery.objects.filter(not_before=SYDNEY_OPENS).count() == 30


def test_other_rows_of_the_zone_are_left_alone(by_recipient, rows, claim):
    tomorrow = NOW + dt.timedelta(days=1)
    rows(time_zone="Australia/Sydney")
    [later] = rows(
        time_zone="Australia/Sydney", not_before=tomorrow, reason="greylisted"
    )
    [sent] = rows(time_zone="Australia/Sydney", status="sent")

    claim()

    assert not_before(later) == ("queued", tomorrow, "greylisted")
    assert not_before(sent) == ("sent", NOW, "")


def test_other_hours_look_at_those_again_who_were_put_off(by_recipient, rows, claim):
    [sydney] = rows(time_zone="Australia/Sydney")
    [later] = rows(not_before=SYDNEY_OPENS, reason="greylisted")
    claim()

    MassmailSettings(use_business_time=False).save()

    assert not_before(sydney) == ("queued", NOW, "")
    assert not_before(later) == ("queued", SYDNEY_OPENS, "greylisted")
    assert claim() == [sydney.pk]


def test_without_the_option_the_recipients_zone_means_nothing(rows, claim):
    ready_settings(use_business_time=True, time_zone="Europe/Berlin")
    [sydney] = rows(time_zone="Australia/Sydney")

    assert claim() == [sydney.pk]


def test_a_zone_without_any_business_day_is_looked_at_again_a_day_later(
    by_recipient, rows, claim
):
    MassmailSettings.objects.update(business_days=[])
    [row] = rows(time_zone="Europe/Berlin")

    assert claim() == []
    assert not_before(row)[1] == NOW + dt.timedelta(days=1)
