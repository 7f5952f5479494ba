"""Addresses that fail again and again."""

from __future__ import annotations

import datetime as dt

import pytest

from massmail.models import DeliveryEvent, MassmailSettings, SuppressedAddress
from massmail.models.address import address_key
from massmail.models.soft_bounces import suppress_after_failures
from massmail.tests.factories import NOW, DeliveryFactory

ZOE = "zoe@example.com"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def limits():
    MassmailSettings(soft_bounce_count=3, soft_bounce_days=30).save()


def mail(days_ago: float, status="failed", reason="gave_up", to=ZOE):
    return DeliveryFactory(
        recipient__email=to,
        status=status,
        reason="" if status == "sent" else reason,
        result_at=NOW - dt.timedelta(days=days_ago),
    )


def judge() -> bool:
    return suppress_after_failures(address_key(ZOE), address=ZOE, now=NOW)


def test_the_third_failure_in_a_row_puts_the_address_on_the_list():
    mail(20)
    mail(10)
    assert not judge()

    mail(0)
    assert judge()
    assert judge()

    row = SuppressedAddress.objects.get()
    assert (row.address, row.reason) == (ZOE, "soft_bounces")
    assert row.source == "3 failures within 30 days"


def test_failures_of_long_ago_do_not_count():
    for days in (31, 10, 0):
        mail(days)

    assert not judge()


def test_a_mail_that_arrived_begins_the_count_anew():
    mail(20)
    mail(15)
    mail(10, status="sent")
    mail(0)

    assert not judge()


def test_a_report_that_comes_after_the_sending_counts():
    for days in (20, 10, 0):
        DeliveryEvent.objects.create(
            delivery=mail(days, status="sent"),
            kind="bounced",
            detail="soft: 4.2.2 mailbox full",
            occurred_at=NOW,
            source_key=f"bounce:{days}",
        )

    assert judge()


@pytest.mark.parametrize("reason", ["taken_for_spam", "against_policy", "refused"])
def test_failures_of_another_kind_are_not_the_addresss_fault(reason):
    for days in (20, 10, 0):
        mail(days, reason=reason)

    assert not judge()


def test_other_peoples_failures_do_not_count():
    for days in (20, 10):
        mail(days)
    mail(0, to="other@example.com")

    assert not judge()


def test_the_policy_can_be_switched_off():
    MassmailSettings.objects.update(soft_bounce_count=0)
    for days in (2, 1, 0):
        mail(days)

    assert not judge()


def test_an_opt_out_stays_the_reason():
    SuppressedAddress.objects.suppress(ZOE, reason="opted_out", source="link")
    for days in (2, 1, 0):
        mail(days)

    assert judge()
    assert SuppressedAddress.objects.get().reason == "opted_out"


def test_without_an_address_nothing_is_judged():
    assert not suppress_after_failures("", address="", now=NOW)
