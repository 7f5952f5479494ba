"""Claims: whose rows, in which order, and never the same row twice."""

from __future__ import annotations

import datetime as dt
import threading
import uuid

import pytest
from django.db import connection

from massmail.models import Delivery, EmailAccount, MailingOut
from massmail.sending import claiming
from massmail.sending.claiming import claim_batch
from massmail.sending.recording import recover
from massmail.tests.factories import (
    NOW,
    DeliveryFactory,
    EmailAccountFactory,
    MailingOutFactory,
    SendAttemptFactory,
    UserFactory,
)
from massmail.tests.mailings import ready_settings

SECOND = dt.timedelta(seconds=1)
LEASE = dt.timedelta(seconds=120)
SUNDAY = dt.datetime(2027, 3, 14, 12, tzinfo=dt.UTC)


@pytest.fixture
def claim(account):
    def claim(now=NOW, token=None):
        return claim_batch(account.pk, token or uuid.uuid4(), now=now)

    return claim


def pks(claim):
    return [row.pk for row in claim.deliveries]


def test_due_rows_are_leased_to_the_token(rows, claim, token):
    due, later = rows(1)[0], rows(1, not_before=NOW + SECOND)[0]

    assert pks(claim(token=token)) == [due.pk]

    due.refresh_from_db()
    later.refresh_from_db()
    assert (due.status, due.claim_token) == ("claimed", token)
    assert due.lease_until == NOW + LEASE
    assert (later.status, later.claim_token) == ("queued", None)


def test_a_claim_returns_its_own_rows_only(rows, claim):
    rows(2)
    first, second = claim(), claim()

    assert len(first.deliveries) == 2
    assert second.deliveries == []


def test_a_row_handed_over_meanwhile_is_not_sent_through_its_old_account(
    rows, claim, anna, monkeypatch
):
    """The other account gets it between this one's look at the queue and its claim."""
    kept, given = rows(2)
    other = EmailAccountFactory(owner=anna)
    find = claiming.due_ids

    def find_and_lose(*args, **kwargs):
        ids = find(*args, **kwargs)
        Delivery.objects.filter(pk=given.pk).update(email_account=other)
        return ids

    monkeypatch.setattr(claiming, "due_ids", find_and_lose)

    assert pks(claim()) == [kept.pk]
    given.refresh_from_db()
    assert (given.status, given.email_account) == ("queued", other)


def test_a_batch_has_its_size(rows, claim, settings):
    settings.MASSMAIL = {**settings.MASSMAIL, "CLAIM_BATCH": 3}
    rows(5)

    assert [len(claim().deliveries) for _ in range(3)] == [3, 2, 0]


def test_rows_of_other_accounts_and_other_states_stay(rows, claim, anna, ledger):
    rows(1, email_account=EmailAccountFactory(owner=anna))
    for status in ("sent", "failed", "skipped", "uncertain", "sending", "claimed"):
        rows(1, status=status)
    before = ledger()

    assert claim().deliveries == []
    assert ledger() == before


def test_urgent_rows_come_first_then_those_that_wait_longest(rows, claim):
    low = rows(1, priority=3)
    late = rows(1, not_before=NOW - SECOND)
    early = rows(2, not_before=NOW - 9 * SECOND)
    high = rows(1, priority=1)

    expected = [row.pk for row in [*high, *early, *late, *low]]
    assert pks(claim()) == expected


def test_when_not_all_fit_the_urgent_ones_are_taken(rows, claim, limits):
    limits(per_hour=2)
    rows(2)
    high = rows(2, priority=1)

    assert pks(claim()) == [row.pk for row in high]


def test_mailings_follow_each_other_by_launch(rows, claim, limits, anna):
    limits(per_hour=3)
    second = MailingOutFactory(owner=anna, launched=True, launched_at=NOW + SECOND)
    late = rows(2, mailing=second)
    early = rows(2)

    assert set(pks(claim())) == {early[0].pk, early[1].pk, late[0].pk}


@pytest.mark.parametrize(
    ("fields", "count"),
    [
        ({}, 1),
        ({"status": "E"}, 1),
        ({"status": "P"}, 0),
        ({"status": "I"}, 0),
        ({"status": "D"}, 0),
        ({"status": "E", "stop_reason": "reputation"}, 0),
        ({"start_at": NOW}, 1),
        ({"start_at": NOW + SECOND}, 0),
        ({"expires_at": NOW + SECOND}, 1),
        ({"expires_at": NOW}, 0),
    ],
    ids=str,
)
def test_only_a_running_mailing_is_claimed_from(rows, claim, fields, count):
    rows(1)
    MailingOut.objects.update(**fields)

    assert len(claim().deliveries) == count


def test_a_mailing_of_an_inactive_owner_is_not_claimed_from(rows, claim, anna):
    rows(1)
    anna.is_active = False
    anna.save()

    assert claim().deliveries == []


@pytest.mark.parametrize(
    ("fields", "count", "next_at"),
    [
        ({"state": "stopped"}, 0, None),
        ({"state": "paused"}, 0, None),
        ({"state": "paused", "paused_until": NOW + SECOND}, 0, NOW + SECOND),
        ({"state": "paused", "paused_until": NOW}, 1, None),
        ({"next_send_at": NOW + SECOND}, 0, NOW + SECOND),
        ({"next_send_at": NOW}, 1, None),
    ],
    ids=str,
)
def test_only_an_account_that_is_ready_claims(rows, claim, fields, count, next_at):
    rows(1)
    EmailAccount.objects.update(**fields)

    found = claim()

    assert (len(found.deliveries), found.next_at) == (count, next_at)


def test_a_full_quota_says_when_it_frees(rows, claim, limits, attempts):
    limits(per_minute=1)
    attempts(20)
    rows(1)

    found = claim()

    assert found.deliveries == []
    assert found.next_at == NOW + 40 * SECOND + dt.timedelta(microseconds=1)


def test_outside_business_hours_only_mail_without_a_mailing_leaves(rows, claim):
    ready_settings(use_business_time=True)
    rows(1)
    alone = rows(1, mailing=None, version=None, kind="test", recipient__owner=None)

    assert pks(claim(SUNDAY)) == [alone[0].pk]


def test_inside_business_hours_mail_without_a_mailing_leaves_first(rows, claim, limits):
    ready_settings(use_business_time=True)
    limits(per_hour=1)
    rows(1, priority=1)
    alone = rows(1, mailing=None, version=None, kind="test", recipient__owner=None)

    assert pks(claim()) == [alone[0].pk]


def test_a_claim_that_ran_out_goes_back_to_the_queue(rows, claim, token):
    row = rows(1)[0]
    claim(token=token)

    assert recover(NOW + LEASE - SECOND) == 0
    assert recover(NOW + LEASE) == 1

    row.refresh_from_db()
    assert (row.status, row.claim_token, row.lease_until) == ("queued", None, None)
    assert pks(claim(NOW + LEASE)) == [row.pk]


def test_a_hand_over_that_ran_out_is_uncertain(rows, token):
    row = rows(1, token, status="sending")[0]
    attempt = SendAttemptFactory(delivery=row, token=token, outcome="open")

    assert recover(row.lease_until) == 1

    row.refresh_from_db()
    attempt.refresh_from_db()
    assert (row.status, row.reason) == ("uncertain", "worker_lost")
    assert (row.claim_token, row.lease_until) == (None, None)
    assert attempt.outcome == "uncertain"


def test_recovering_twice_changes_nothing_more(rows, token, ledger):
    rows(1, token, status="sending")
    recover(NOW + LEASE)
    after = ledger()

    assert recover(NOW + LEASE) == 0
    assert ledger() == after


def test_what_workers_hold_is_found_without_reading_the_ledger(rows, token):
    rows(1, token)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")

    for found in (
        Delivery.objects.expired(NOW),
        Delivery.objects.held_by(token, "claimed"),
        Delivery.objects.held_by(token, "sending"),
    ):
        plan = found.order_by().explain()
        assert "Seq Scan" not in plan
        assert "USING INDEX" in plan or "Index Scan" in plan


@pytest.mark.django_db(transaction=True)
def test_claimers_at_once_never_share_a_row_nor_exceed_a_limit(settings):
    settings.MASSMAIL = {**settings.MASSMAIL, "CLAIM_BATCH": 4}
    anna = UserFactory()
    account = EmailAccountFactory(owner=anna, per_hour=15)
    mailing = MailingOutFactory(owner=anna, launched=True)
    DeliveryFactory.create_batch(20, mailing=mailing, email_account=account)
    start = threading.Barrier(6)
    claimed = []

    def claimer():
        try:
            start.wait()
            for _ in range(2):
                claim = claim_batch(account.pk, uuid.uuid4(), now=NOW)
                claimed.extend(row.pk for row in claim.deliveries)
        finally:
            connection.close()

    threads = [threading.Thread(target=claimer) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(claimed) == len(set(claimed)) == 15
    assert mailing.counts()["claimed"] == 15
