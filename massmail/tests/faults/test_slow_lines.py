"""Big messages on lines that need longer for them than a dot may wait."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
from django.utils import timezone

from massmail.backends.phases import Phase
from massmail.models import AccountLane, Delivery, EmailAccount, EmlMessage
from massmail.orchestrator import lane
from massmail.orchestrator.lifecycle import launch
from massmail.orchestrator.send import send_account_queue
from massmail.tests.factories import AttachmentFactory
from massmail.tests.faults.repairs import (
    addresses,
    assert_ledger_is_clean,
    drain,
    everybody,
)
from massmail.tests.mailings import account_at, draft, ready_settings, states
from massmail.tests.smtp_server import Fault, FaultServer

pytestmark = pytest.mark.django_db
# More than the kernel keeps for a server that does not read.
BIG = 8 * 1024 * 1024


@pytest.fixture
def mailing(server: FaultServer):
    """One recipient, whose server reads content only after more than half a second."""
    server.script.add(Fault(Phase.BODY, delay_seconds=0.7))
    ready_settings()
    mailing = draft(customers=1)
    AttachmentFactory(message=EmlMessage.objects.get(), file__data=b"x" * BIG)
    account_at(server, mailing.owner)
    return launch(mailing, by=mailing.owner)


def send(**options):
    return send_account_queue(EmailAccount.objects.get().pk, **options)


def test_content_may_take_longer_than_its_dot_may(server, mailing, set_massmail):
    set_massmail(HANDOVER_SECONDS=0.3)

    send()

    assert states(mailing) == {"sent": 1}
    assert addresses(server) == everybody(mailing)
    assert_ledger_is_clean(mailing)


def test_neither_row_nor_lane_is_another_s_while_content_is_on_its_way(
    mailing, set_massmail, monkeypatch
):
    set_massmail(LEASE_SECONDS=5.0)
    write, seen = lane.Lane._write, []

    def write_and_look(self, connection, message):
        result = yield from write(self, connection, message)
        row, taken = Delivery.objects.get(), AccountLane.objects.get()
        seen.append((row.status, row.lease_until, taken.lease_until))
        return result

    monkeypatch.setattr(lane.Lane, "_write", write_and_look)
    began = timezone.now()
    send()

    [(status, row_until, lane_until)] = seen
    # Ten kilobytes a second are the slowest line; base64 makes a third more of them.
    longest = began + dt.timedelta(seconds=BIG * 4 / 3 / 10_000)
    assert status == "claimed"
    assert row_until > longest
    assert lane_until > longest
    assert states(mailing) == {"sent": 1}


def test_a_row_that_is_another_s_before_its_content_goes_is_left_alone(
    server, mailing, monkeypatch
):
    """By a run that slept: the content of a claim that has ended is not even begun."""
    write, kept = lane.Lane._write, []

    def taken_meanwhile(self, connection, message):
        if not kept:
            later = timezone.now() + dt.timedelta(hours=1)
            Delivery.objects.update(
                status="queued", claim_token=None, lease_until=None, not_before=later
            )
        kept.append((yield from write(self, connection, message)))
        return kept[-1]

    monkeypatch.setattr(lane.Lane, "_write", taken_meanwhile)
    send()

    assert kept == [False]
    assert states(mailing) == {"queued": 1}
    assert server.accepted == []
    Delivery.objects.update(not_before=timezone.now())
    send()
    assert kept == [False, True]
    assert addresses(server) == everybody(mailing)


def test_a_stop_while_content_is_on_its_way_gives_the_row_back(
    server, mailing, set_massmail
):
    set_massmail(TERM_SECONDS=0.1)
    stop = threading.Event()
    timer = threading.Timer(0.2, stop.set)
    timer.start()

    send(stop=stop.is_set)

    timer.join()
    assert states(mailing) == {"queued": 1}
    assert server.accepted == []
    server.script.clear()
    send()
    assert states(mailing) == {"sent": 1}
    assert_ledger_is_clean(mailing)


def test_a_line_that_breaks_in_the_middle_of_content_costs_only_time(server, mailing):
    server.script.clear()
    server.script.add(Fault(Phase.BODY, drop="reset", times=1))

    send()

    assert states(mailing) == {"queued": 1}
    assert server.accepted == []
    drain(mailing)
    assert states(mailing) == {"sent": 1}
    assert addresses(server) == everybody(mailing)
    assert_ledger_is_clean(mailing)
