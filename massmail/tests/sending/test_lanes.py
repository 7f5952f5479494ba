"""A lane is the right to one connection: leased, never handed out twice."""

from __future__ import annotations

import datetime as dt
import threading
import uuid

import pytest
from django.db import connection

from massmail.models import AccountLane, EmailAccount
from massmail.sending.lanes import extend_lanes, lanes_of, return_lanes, take_lanes
from massmail.tests.factories import NOW, EmailAccountFactory

LEASE = dt.timedelta(seconds=120)
SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def wide(account):
    """An account with three lanes."""
    account.max_connections = 3
    account.save()
    return account


def take(account, wanted, now=NOW):
    token = uuid.uuid4()
    return token, take_lanes(account, token, wanted=wanted, now=now)


def holders(account):
    lanes = AccountLane.objects.filter(email_account=account).order_by("number")
    return list(lanes.values_list("token", flat=True))


def test_lanes_are_made_as_they_are_needed_and_taken_in_order(wide):
    first, count = take(wide, 2)
    assert count == 2
    second, count = take(wide, 1)
    assert count == 1
    assert holders(wide) == [first, first, second]


def test_there_are_no_more_than_the_account_has(wide):
    assert take(wide, 9)[1] == 3
    assert take(wide, 1)[1] == 0
    assert AccountLane.objects.count() == 3


def test_an_account_with_gaps_has_one_lane(wide):
    wide.min_gap_seconds = wide.max_gap_seconds = 10
    wide.save()

    assert lanes_of(wide) == 1
    assert take(wide, 3)[1] == 1
    assert take(wide, 3)[1] == 0


def test_returned_lanes_are_free_at_once(wide):
    first, _count = take(wide, 2)
    second, _count = take(wide, 1)

    assert return_lanes(first) == 2
    assert return_lanes(first) == 0

    assert holders(wide) == [None, None, second]
    assert take(wide, 3)[1] == 2


def test_a_lease_ends_by_itself(wide):
    take(wide, 3)

    assert take(wide, 3, NOW + LEASE - SECOND)[1] == 0
    assert take(wide, 3, NOW + LEASE)[1] == 3


def test_a_late_holder_neither_extends_nor_returns_what_another_has(wide):
    late, _count = take(wide, 3)
    heir, _count = take(wide, 3, NOW + LEASE)

    assert extend_lanes(late, NOW + 10 * LEASE) == 0
    assert return_lanes(late) == 0
    assert holders(wide) == [heir] * 3


def test_an_extension_never_shortens(wide):
    token, _count = take(wide, 2)
    long, short = NOW + 6 * LEASE, NOW + 2 * LEASE

    assert extend_lanes(token, long) == 2
    assert extend_lanes(token, short) == 2

    assert set(
        AccountLane.objects.filter(token=token).values_list("lease_until", flat=True)
    ) == {long}


def test_fewer_connections_count_those_that_are_still_open(wide):
    take(wide, 2)
    wide.max_connections = 2
    wide.save()

    assert take(wide, 2)[1] == 0


def test_lanes_above_the_limit_are_not_used_again(wide):
    token, _count = take(wide, 3)
    return_lanes(token)
    wide.max_connections = 1
    wide.save()

    heir, count = take(wide, 3)

    assert count == 1
    assert holders(wide) == [heir, None, None]


def test_accounts_have_lanes_of_their_own(wide, anna):
    take(wide, 3)

    assert take(EmailAccountFactory(owner=anna), 1)[1] == 1


@pytest.mark.django_db(transaction=True)
def test_many_takers_at_once_get_no_more_than_there_are():
    account = EmailAccountFactory(max_connections=5)
    start = threading.Barrier(8)
    taken = []

    def taker():
        try:
            mine = EmailAccount.objects.get(pk=account.pk)
            start.wait()
            taken.append(take(mine, 2))
        finally:
            connection.close()

    threads = [threading.Thread(target=taker) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(count for _token, count in taken) == [0, 0, 0, 0, 0, 1, 2, 2]
    for token, count in taken:
        assert holders(account).count(token) == count
