"""The database fails at any place of a run: results are kept and written once."""

from __future__ import annotations

import itertools
import selectors
import socket
import time
from contextlib import ExitStack, suppress

import pytest
from django.db import DatabaseError, OperationalError

from massmail import patience
from massmail.backends.phases import Phase, Wait
from massmail.models import DeliveryEvent, EmailAccount, SendAttempt
from massmail.orchestrator import lane
from massmail.orchestrator.send import send_account_queue
from massmail.orchestrator.walk import walk_account_queues
from massmail.tests.faults.failing_database import failing_database
from massmail.tests.faults.repairs import (
    addresses,
    assert_ledger_is_clean,
    drain,
    everybody,
    forget,
)
from massmail.tests.mailings import launched, send_all, states
from massmail.tests.smtp_server import FaultServer

pytestmark = pytest.mark.django_db(transaction=True)

ONE_LANE = {"customers": 2}
TWO_LANES = {"customers": 3, "max_connections": 2}
GAP = {"customers": 1, "min_gap_seconds": 0.3, "max_gap_seconds": 0.3}
# How the account sends, what fails, and at how many of these places.
SOME_PLACES = [
    pytest.param(ONE_LANE, "statement", 23, id="statements"),
    pytest.param(TWO_LANES, "undone", 3, id="commits that did not happen"),
    pytest.param(TWO_LANES, "unanswered", 3, id="commits without an answer"),
    pytest.param(GAP, "unanswered", 1, id="the commit that begins a gap"),
]
# Dozens of runs one after the other, each with half a second of patience.
AT_LENGTH = [pytest.mark.faults, pytest.mark.timeout(900)]
EACH_PLACE = [
    pytest.param(pace, where, 1, marks=AT_LENGTH, id=f"each, {name}, {where}")
    for name, pace in (("one lane", ONE_LANE), ("two lanes", TWO_LANES), ("gap", GAP))
    for where in ("statement", "undone", "unanswered")
]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(patience, "RETRY_SECONDS", 0.01)


def send_with_failing(where, number):
    """One round of a sender; whether it came as far as that place."""
    with failing_database(where, number) as failing, suppress(DatabaseError):
        for account_id in walk_account_queues():
            send_account_queue(account_id)
    return failing.count >= number


@pytest.mark.parametrize(("pace", "where", "every"), SOME_PLACES + EACH_PLACE)
def test_wherever_it_fails_nobody_is_mailed_twice_or_left_uncertain(pace, where, every):
    """The sender itself lives on and hears every reply: nothing is uncertain."""
    for number in itertools.count(1, every):
        with FaultServer() as server:
            mailing = launched(server, **pace)
            met = send_with_failing(where, number)
            drain(mailing)
            sent = {"sent": pace["customers"]}
            assert (number, states(mailing)) == (number, sent)
            assert addresses(server) == everybody(mailing)
            attempts = SendAttempt.objects.filter(outcome="sent")
            assert attempts.count() == pace["customers"]
            assert not DeliveryEvent.objects.exists()
            assert_ledger_is_clean(mailing)
        forget(mailing)
        if not met:
            break
    assert number > 5


def test_a_result_is_kept_while_the_database_is_away(server):
    """The reply comes into an outage that lasts for several tries."""
    mailing = launched(server, customers=1)
    original = server.script.next_fault
    outage = ExitStack()

    def begin_at_the_dot(phase, *args):
        if phase is Phase.DOT:
            outage.enter_context(failing_database("undone", *range(1, 6)))
        return original(phase, *args)

    server.script.next_fault = begin_at_the_dot
    with outage:
        send_account_queue(EmailAccount.objects.get().pk)
    assert states(mailing) == {"sent": 1}
    assert len(server.accepted) == 1
    assert send_all() == 0
    assert_ledger_is_clean(mailing)


def test_a_login_without_a_database_costs_no_result_of_other_lanes(monkeypatch):
    """A login may have to ask for the account's token."""
    real, logins = lane.open_connection, itertools.count()
    near, far = socket.socketpair()
    with near, far, FaultServer() as server:

        def open_connection(account, now):
            if next(logins) == 0:
                return (yield from real(account, now))
            while not server.accepted:
                with suppress(TimeoutError):
                    yield Wait(near, selectors.EVENT_READ, time.monotonic() + 0.02)
            raise OperationalError("the database is restarting")

        monkeypatch.setattr(lane, "open_connection", open_connection)
        mailing = launched(server, customers=3, max_connections=2)
        [account_id] = walk_account_queues()
        report = send_account_queue(account_id)

        assert report.stopped_because == "database_away"
        sent = len(server.accepted)
        assert sent < 3
        assert states(mailing) == {"sent": sent, "queued": 3 - sent}
