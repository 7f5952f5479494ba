"""A sender that is stopped past its leases and wakes when another has taken over."""

from __future__ import annotations

import datetime as dt
import signal

import pytest
from django.utils import timezone

from massmail.backends.phases import Phase
from massmail.models import AccountLane, DeliveryEvent, EmailAccount, Heartbeat
from massmail.models.email_account import new_token
from massmail.orchestrator.walk import walk_account_queues
from massmail.sending.lanes import return_lanes, take_lanes
from massmail.tests.mailings import launched, send_all, states
from massmail.tests.smtp_server import Fault
from massmail.tests.stories.leases import end_all_leases
from massmail.tests.stories.processes import wait_until
from massmail.tests.stories.promises import assert_drained

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = dt.timedelta(hours=1)
SOME_WALKS = dt.timedelta(seconds=0.5)


def test_it_brings_its_proof_and_begins_nothing_more(nursery, server):
    # Stopped while it waits for a reply: in a transaction it would lock SQLite.
    server.script.add(Fault(Phase.DOT, times=1, after_accept=True, delay_seconds=1.5))
    mailing = launched(server, customers=20)
    late = nursery.start("send_queue", RUN_SECONDS=100.0, CLAIM_BATCH=1)
    wait_until(lambda: server.accepted, "a message waits for its reply")
    late.signal(signal.SIGSTOP)

    end_all_leases()
    walk_account_queues()
    assert states(mailing) == {"uncertain": 1, "queued": 19}
    other = new_token()
    account = EmailAccount.objects.get()
    assert take_lanes(account, other, wanted=1, now=timezone.now() + HOUR) == 1
    late.signal(signal.SIGCONT)
    event = wait_until(DeliveryEvent.objects.first, "the proof was written")
    walks = Heartbeat.objects.filter(beat_at__gt=event.occurred_at + SOME_WALKS)
    wait_until(walks.exists, "it had time for more")
    late.signal(signal.SIGTERM)

    assert late.wait() == 0
    assert event.detail.startswith("late reply: 250")
    assert states(mailing) == {"sent": 1, "queued": 19}
    assert AccountLane.objects.get().token == other
    return_lanes(other)
    send_all()
    assert states(mailing) == {"sent": 20}
    assert_drained(server, mailing)


def test_a_row_that_a_run_claims_a_second_time_goes_out_once(nursery, server):
    """One lane is so slow that the claim ends; another lane gets the same row."""
    first = "customer0@example.com"
    server.script.add(Fault(Phase.RCPT, to=first, times=1, delay_seconds=1.5))
    server.script.add(
        Fault(Phase.DOT, to=first, times=1, after_accept=True, delay_seconds=2.5)
    )
    server.script.add(Fault(Phase.DOT, after_accept=True, delay_seconds=0.02))
    mailing = launched(server, customers=40, max_connections=2)
    sender = nursery.start(
        "send_queue",
        "--once",
        CLAIM_BATCH=2,
        LEASE_SECONDS=0.3,
        RUN_SECONDS=10.0,
        FINAL_DOT_TIMEOUT=10.0,
    )
    assert sender.wait() == 0
    assert server.commands.count(f"RCPT TO:<{first}>") == 2
    assert_drained(server, mailing)
    assert states(mailing) == {"sent": 40}
