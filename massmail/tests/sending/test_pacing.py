"""The random pause between two mails of an account."""

from __future__ import annotations

import datetime as dt
import statistics

import pytest

from massmail.models import EmailAccount
from massmail.sending.pacing import (
    MAX_BATCHES,
    batch_size,
    gap,
    gap_is_over,
    next_batches,
)
from massmail.sending.recording import take_turn
from massmail.tests.factories import NOW

SECOND = dt.timedelta(seconds=1)


def with_gaps(shortest, longest):
    return EmailAccount(min_gap_seconds=shortest, max_gap_seconds=longest)


def test_gaps_are_between_their_bounds_and_differ():
    seconds = [gap(with_gaps(15, 35)).total_seconds() for _ in range(300)]

    assert all(15 <= length <= 35 for length in seconds)
    assert len(set(seconds)) > 290
    assert 20 < statistics.mean(seconds) < 30


def test_equal_bounds_make_equal_gaps():
    assert gap(with_gaps(7, 7)) == 7 * SECOND


@pytest.mark.parametrize(
    ("shortest", "longest", "size"),
    [
        (0, 0, 50),  # no gaps: a whole batch
        (0, 1, 50),
        (1, 2, 16),  # a run of 15 seconds
        (5, 9, 4),
        (5.1, 9, 1),
        (15, 35, 1),
    ],
)
def test_a_claim_takes_no_more_than_a_run_can_send(shortest, longest, size):
    assert batch_size(with_gaps(shortest, longest)) == size


@pytest.mark.parametrize(
    ("next_send_at", "is_over"),
    [(None, True), (NOW, True), (NOW + SECOND, False), (NOW - SECOND, True)],
)
def test_a_gap_ends_at_its_moment(next_send_at, is_over):
    assert gap_is_over(EmailAccount(next_send_at=next_send_at), NOW) is is_over


def test_of_two_who_take_the_turn_one_gets_it(account):
    until = NOW + 20 * SECOND

    assert take_turn(account, now=NOW, next_at=until)
    assert not take_turn(account, now=NOW, next_at=NOW + 40 * SECOND)
    account.refresh_from_db()
    assert account.next_send_at == until

    assert not take_turn(account, now=until - SECOND, next_at=until + SECOND)
    assert take_turn(account, now=until, next_at=until + 20 * SECOND)


def test_claims_grow_where_mail_leaves_quickly():
    assert next_batches(8, seconds=0.5) == 16
    assert next_batches(8, seconds=60) == 8


def test_a_claim_is_never_larger_than_it_can_be_used_up_in_good_time(settings):
    settings.MASSMAIL = {**settings.MASSMAIL, "CLAIM_BATCH": 50}
    account = with_gaps(0, 0)

    assert batch_size(account, 1000) == batch_size(account, MAX_BATCHES) == 2000
