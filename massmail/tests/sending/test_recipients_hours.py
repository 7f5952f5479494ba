"""Business hours by each recipient's own clock."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.db import connection

from massmail.models import Delivery, EmailAccount, MassmailSettings
from massmail.orchestrator.walk import walk_account_queues
from massmail.sending.claiming import claim_batch
from massmail.tests.factories import NOW
from massmail.tests.mailings import ready_settings

pytestmark = pytest.mark.django_db
# NOW is Wednesday noon in UTC: 13:00 in Berlin, 23:00 in Sydney, 7:00 in New York.
SYDNEY_OPENS = dt.datetime(2027, 3, 10, 21, 30, tzinfo=dt.UTC)
BERLIN_OPENS = dt.datetime(2027, 3, 11, 7, 30, tzinfo=dt.UTC)
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


def state(row):
    row.refresh_from_db()
    return row.status, row.not_before, row.reason


def test_only_those_whose_hours_are_open_are_claimed(by_recipient, rows, claim):
    [sydney] = rows(time_zone="Australia/Sydney")
    [new_york] = rows(time_zone="America/New_York")
    [berlin] = rows(time_zone="Europe/Berlin")
    [unknown] = rows(time_zone="")
    [nonsense] = rows(time_zone="Mars/Olympus")

    assert claim() == [berlin.pk, unknown.pk, nonsense.pk]

    assert state(sydney) == state(new_york) == ("queued", NOW, "")
    assert claim(NEW_YORK_OPENS) == [new_york.pk]
    assert claim(SYDNEY_OPENS - dt.timedelta(microseconds=1)) == []
    assert claim(SYDNEY_OPENS) == [sydney.pk]


def test_whose_hours_end_first_go_first(by_recipient, rows, claim, account):
    """At half past three in Berlin New York has just begun, Kyiv is about to end."""
    EmailAccount.objects.update(per_minute=None, per_hour=None, per_day=4)
    new_york = rows(2, time_zone="America/New_York")
    berlin = rows(2, time_zone="Europe/Berlin")
    kyiv = rows(2, time_zone="Europe/Kyiv")

    wanted = [row.pk for row in [*kyiv, *berlin]]
    assert claim(NEW_YORK_OPENS + dt.timedelta(hours=1)) == wanted
    assert {state(row)[0] for row in new_york} == {"queued"}


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
    assert state(unknown) == ("queued", NOW, "")
    assert walk_account_queues(now) == []
    assert walk_account_queues(BERLIN_OPENS) == [account.pk]


def test_mail_without_a_mailing_wakes_its_account_at_any_hour(
    by_recipient, rows, account
):
    rows(time_zone="Australia/Sydney")
    assert walk_account_queues(NOW) == []

    Delivery.objects.create(
        kind="alert", email_account=account, not_before=NOW, queued_at=NOW
    )

    assert walk_account_queues(NOW) == [account.pk]


def test_a_closed_zone_costs_a_claim_nothing_however_many_it_has(
    by_recipient, rows, claim, plans
):
    rows(30, time_zone="Australia/Sydney")
    [berlin] = rows(time_zone="Europe/Berlin")
    found = []

    seen = plans(lambda: found.extend(claim()), "massmail_delivery")

    assert found == [berlin.pk]
    assert Delivery.objects.filter(not_before=NOW, reason="").count() == 31
    assert [
        plan for plan in seen if "delivery_queue" in plan and "time_zone" in plan
    ] == []
    assert any("delivery_zones" in plan for plan in seen)


def test_a_row_that_waits_for_something_else_goes_on_waiting(by_recipient, rows, claim):
    tomorrow = NOW + dt.timedelta(days=1)
    [later] = rows(time_zone="Europe/Berlin", not_before=tomorrow, reason="greylisted")
    [due] = rows(time_zone="Europe/Berlin")

    assert claim() == [due.pk]
    assert state(later) == ("queued", tomorrow, "greylisted")


def test_other_hours_hold_at_once(by_recipient, rows, claim):
    [sydney] = rows(time_zone="Australia/Sydney")
    assert claim() == []

    MassmailSettings(use_business_time=False).save()

    assert claim() == [sydney.pk]


def test_without_the_option_the_recipients_zone_means_nothing(rows, claim):
    ready_settings(use_business_time=True, time_zone="Europe/Berlin")
    [sydney] = rows(time_zone="Australia/Sydney")

    assert claim() == [sydney.pk]


def test_without_any_business_day_nobody_is_mailed(by_recipient, rows, claim):
    MassmailSettings.objects.update(business_days=[])
    [row] = rows(time_zone="Europe/Berlin")

    assert claim() == []
    assert walk_account_queues(NOW) == []
    assert state(row) == ("queued", NOW, "")
