"""A database without room: reads answer, writes do not, until somebody makes room."""

from __future__ import annotations

import itertools
from contextlib import suppress

import pytest
from django.db import DatabaseError, OperationalError

from massmail import patience
from massmail.models import EmailAccount
from massmail.orchestrator.send import send_account_queue
from massmail.orchestrator.walk import walk_account_queues
from massmail.tests.faults.failing_database import full_disk
from massmail.tests.faults.repairs import (
    addresses,
    assert_ledger_is_clean,
    drain,
    everybody,
    forget,
)
from massmail.tests.mailings import launched, states
from massmail.tests.smtp_server import FaultServer

pytestmark = pytest.mark.django_db(transaction=True)

LANES = 2
# Longer than any round: only people end it.
FOR_GOOD = 1_000_000
SOME = [pytest.param(7, id="some")]
EACH = [pytest.param(1, marks=pytest.mark.faults, id="each")]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(patience, "RETRY_SECONDS", 0.01)


@pytest.fixture
def impatient(settings):
    """A run gives up before there is room."""
    settings.MASSMAIL = settings.MASSMAIL | {"DATABASE_PATIENCE": 0.1}


def a_round():
    with suppress(DatabaseError):
        for account_id in walk_account_queues():
            send_account_queue(account_id)


def each_write(every):
    """(number of a write, server, mailing), with a new mailing for each write."""
    for number in itertools.count(1, every):
        with FaultServer() as server:
            mailing = launched(server, customers=3, max_connections=LANES)
            yield number, server, mailing
        forget(mailing)


@pytest.mark.parametrize("every", SOME + EACH)
def test_a_short_lack_of_room_costs_nothing(every):
    for number, server, mailing in each_write(every):
        with full_disk(number, times=3) as full:
            a_round()
        drain(mailing)

        assert (number, states(mailing)) == (number, {"sent": 3})
        assert addresses(server) == everybody(mailing)
        assert_ledger_is_clean(mailing)
        if not full.was_met:
            break
    assert number > 5


@pytest.mark.parametrize("every", SOME + EACH)
@pytest.mark.usefixtures("impatient")
def test_nothing_leaves_that_is_not_written_down(every):
    """However long it lasts, and it goes on as soon as there is room."""
    for number, server, mailing in each_write(every):
        with full_disk(number, times=FOR_GOOD) as full:
            a_round()
            noted = mailing.deliveries.filter(status__in=("sending", "sent"))
            assert set(addresses(server)) <= set(
                noted.values_list("address", flat=True)
            )
        drain(mailing)

        counts = states(mailing)
        assert (number, counts) == (number, counts | {"sent": 3 - unsure(counts)})
        assert unsure(counts) <= LANES
        assert addresses(server) == everybody(mailing)
        assert_ledger_is_clean(mailing)
        if not full.was_met:
            break
    assert number > 5


def unsure(counts):
    return counts.get("uncertain", 0)


def test_the_database_itself_says_so(db):
    with full_disk(1, times=1), pytest.raises(OperationalError, match="full"):
        EmailAccount.objects.update(name="x")
    assert not EmailAccount.objects.exists()
