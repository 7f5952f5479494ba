"""A few rows tell how long all that waits has to wait."""

from __future__ import annotations

import datetime as dt

import pytest

from massmail.models.first_of_zones import first_of_zones
from massmail.tests.factories import (
    NOW,
    DeliveryFactory,
    EmailAccountFactory,
    MailingOutFactory,
)

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def mailing():
    return MailingOutFactory(launched=True)


@pytest.fixture
def account():
    return EmailAccountFactory()


def waits(mailing, account, zone, not_before=NOW, **fields):
    return DeliveryFactory(
        mailing=mailing,
        email_account=account,
        time_zone=zone,
        not_before=not_before,
        **fields,
    )


def facts(rows):
    return [(row.pk, row.time_zone, row.not_before, row.reason) for row in rows]


def test_of_each_zone_it_is_the_row_that_is_due_first(mailing, account):
    waits(mailing, account, "Europe/Oslo", NOW + HOUR)
    oslo = waits(mailing, account, "Europe/Oslo", NOW - HOUR, reason="later")
    waits(mailing, account, "Europe/Oslo")
    nowhere = waits(mailing, account, "")
    waits(mailing, account, "")
    pair = account.pk, mailing.pk

    found = first_of_zones([pair])

    assert sorted(facts(found[pair])) == facts([oslo, nowhere])


def test_nothing_but_what_waits_of_the_mailing_for_the_account_counts(mailing, account):
    other_account, other_mailing = EmailAccountFactory(), MailingOutFactory()
    waits(mailing, other_account, "Asia/Tokyo")
    waits(other_mailing, account, "Asia/Dubai")
    waits(mailing, None, "Asia/Seoul")
    waits(mailing, account, "Asia/Kabul", status="sent")
    waits(mailing, account, "Asia/Dhaka", status="skipped", reason="opted_out")
    pairs = (account.pk, mailing.pk), (other_account.pk, mailing.pk)

    found = first_of_zones(pairs)

    assert found[pairs[0]] == []
    assert [row.time_zone for row in found[pairs[1]]] == ["Asia/Tokyo"]
    assert first_of_zones([]) == {}


def test_any_number_of_pairs_is_asked_for(mailing, account, monkeypatch):
    monkeypatch.setattr("massmail.models.first_of_zones.PAIRS_AT_ONCE", 2)
    others = EmailAccountFactory.create_batch(4)
    rows = [waits(mailing, one, "Asia/Tokyo") for one in (account, *others)]

    found = first_of_zones((row.email_account_id, mailing.pk) for row in rows)

    assert [facts(of_pair) for of_pair in found.values()] == [
        facts([row]) for row in rows
    ]


def test_it_goes_from_zone_to_zone_along_their_index(mailing, account, plans):
    waits(mailing, account, "Europe/Oslo")

    [plan] = plans(lambda: first_of_zones([(account.pk, mailing.pk)]), "RECURSIVE")

    assert plan.count("delivery_zones") == 2
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan
