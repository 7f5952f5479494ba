"""At most so many messages an hour to one domain; the others do not wait for it."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest

from massmail.models import Delivery, EmailAccount
from massmail.models.delivery_states import DOMAIN_LIMIT
from massmail.sending.claiming import claim_batch
from massmail.tests.factories import NOW, EmailAccountFactory, SendAttemptFactory

pytestmark = pytest.mark.django_db
HOUR, MINUTE = dt.timedelta(hours=1), dt.timedelta(minutes=1)
TICK = dt.timedelta(microseconds=1)
CAP = 3


@pytest.fixture
def capped(account):
    EmailAccount.objects.update(per_domain_hour=CAP)
    account.refresh_from_db()
    return account


@pytest.fixture
def to(rows):
    """Adds rows to a domain."""

    def add(domain, count=1, **fields):
        return rows(count, address_domain=domain, **fields)

    return add


@pytest.fixture
def sent(to):
    """Attempts to a domain, so many minutes ago."""

    def add(domain, *minutes_ago, **fields):
        for minutes in minutes_ago:
            [row] = to(domain, status="sent", **fields)
            SendAttemptFactory(delivery=row, occurred_at=NOW - minutes * MINUTE)

    return add


def claim(account, now=NOW):
    return claim_batch(account.pk, uuid.uuid4(), now=now).deliveries


def waiting():
    rows = Delivery.objects.filter(status="queued", reason=DOMAIN_LIMIT).order_by("pk")
    return list(rows.values_list("not_before", flat=True))


def test_only_so_many_of_a_domain_are_taken_and_all_others(capped, to):
    big, small = to("big.example", 9), to("small.example", 2)

    taken = claim(capped)

    assert {row.pk for row in taken} == {row.pk for row in [*big[:CAP], *small]}


def test_without_a_cap_all_are_taken(account, to):
    to("big.example", 9)

    assert len(claim(account)) == 9
    assert waiting() == []


def test_what_was_sent_in_the_last_hour_counts(capped, to, sent):
    sent("big.example", 5, 59, 61)
    to("big.example", 9)

    assert len(claim(capped)) == 1


def test_the_claims_of_other_workers_count(capped, to):
    to("big.example", 9)

    assert [len(claim(capped)), len(claim(capped))] == [CAP, 0]


def test_what_another_account_sends_does_not_count(capped, to, sent, anna):
    sent("big.example", 1, 2, 3, email_account=EmailAccountFactory(owner=anna))
    to("big.example", 9)

    assert len(claim(capped)) == CAP


def test_the_others_are_put_off_to_their_turns(capped, to, sent):
    sent("big.example", 50, 20, 10)
    to("big.example", 4)

    assert claim(capped) == []
    assert waiting() == [
        NOW + 10 * MINUTE + TICK,
        NOW + 40 * MINUTE + TICK,
        NOW + 50 * MINUTE + TICK,
        NOW + 70 * MINUTE + 2 * TICK,
    ]


def test_they_go_when_their_turn_has_come(capped, to, sent):
    sent("big.example", 50, 20, 10)
    rows = to("big.example", 2)
    claim(capped)

    assert claim(capped, NOW + 10 * MINUTE) == []
    assert claim(capped, NOW + 10 * MINUTE + TICK) == [rows[0]]


def test_a_domain_at_the_head_does_not_hide_the_others(capped, to, settings):
    settings.MASSMAIL = settings.MASSMAIL | {"CLAIM_BATCH": 4}
    to("big.example", 12)
    [other] = to("small.example", not_before=NOW)

    first, second = claim(capped), claim(capped)

    assert len(first) == CAP + 1
    assert other in [*first, *second]


def test_mail_without_a_mailing_is_not_put_off(capped, to, sent):
    sent("big.example", 1, 2, 3)
    to(
        "big.example",
        mailing=None,
        version=None,
        kind="alert",
        content_type=None,
        object_id="",
        recipient=None,
        name="",
        address="a@big.example",
        address_key="x",
    )

    assert len(claim(capped)) == 1


def test_never_more_than_the_cap_in_any_hour(capped, to):
    """Claims every few minutes over half a day; each message goes at once."""
    to("big.example", 25)
    moments = []
    for step in range(0, 12 * 60, 7):
        now = NOW + step * MINUTE
        for row in claim(capped, now):
            SendAttemptFactory(delivery=row, occurred_at=now)
            Delivery.objects.filter(pk=row.pk).update(
                status="sent", claim_token=None, lease_until=None
            )
            moments.append(now)

    assert len(moments) == 25
    for moment in moments:
        inside = [other for other in moments if moment - HOUR < other <= moment]
        assert len(inside) <= CAP


def test_mail_without_a_mailing_counts_in_the_claim_that_takes_it(capped, to):
    alone = {"mailing": None, "version": None, "recipient__owner": None}
    to("big.example", CAP, kind="test", **alone)
    to("big.example", 4)
    [other] = to("small.example")

    taken = claim(capped)

    assert [row.kind for row in taken] == ["test"] * CAP + ["mailing"]
    assert taken[-1] == other


def test_a_full_domain_lets_others_pass_however_many_of_it_come_first(
    capped, to, sent, limits
):
    sent("big.example", 1, 1, 1)
    EmailAccount.objects.update(min_gap_seconds=20, max_gap_seconds=20)
    to("big.example", 300)
    [other] = to("small.example")

    assert [row.pk for row in claim(capped)] == [other.pk]
    assert len(waiting()) == 300


@pytest.mark.parametrize("moved", [False, True])
def test_a_row_that_is_held_by_the_cap_no_more_is_looked_at_again(capped, to, moved):
    to("big.example", CAP + 2)
    claim(capped)
    assert len(waiting()) == 2

    if moved:
        Delivery.objects.filter(reason=DOMAIN_LIMIT).hand_on(uuid.uuid4())
    else:
        Delivery.objects.filter(email_account=capped).look_again(DOMAIN_LIMIT)

    assert waiting() == []
    assert Delivery.objects.due(NOW).count() == 2
