"""SIGTERM: what is in flight comes to its end, nothing new begins."""

from __future__ import annotations

import datetime as dt
import signal
import time

import pytest
from django.utils import timezone

from massmail.backends.phases import Phase
from massmail.models import AccountLane, MailingOut
from massmail.tests.mailings import launched, send_all, states
from massmail.tests.smtp_server import Fault
from massmail.tests.stories.processes import PATIENCE, wait_until
from massmail.tests.stories.promises import (
    assert_drained,
    assert_never_twice_never_lost,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_message_in_flight_comes_to_its_end_and_no_new_one_starts(
    processes, server
):
    server.script.add(Fault(Phase.DOT, after_accept=True, delay_seconds=1.0))
    mailing = launched(server, customers=5)
    sender = processes.manage("send_queue", MASSMAIL_FINAL_DOT_TIMEOUT="30")
    wait_until(lambda: server.accepted, "a message waits for its reply")

    sender.send_signal(signal.SIGTERM)

    assert sender.wait(PATIENCE) == 0
    assert len(server.accepted) == 1
    assert states(mailing) == {"sent": 1, "queued": 4}
    assert not AccountLane.objects.exclude(token=None).exists()
    assert_never_twice_never_lost(server, mailing)


def test_between_two_messages_it_ends_without_waiting_for_the_gap(nursery, server):
    mailing = launched(server, customers=2, min_gap_seconds=4, max_gap_seconds=5)
    sender = nursery.start("send_queue", RUN_SECONDS=30.0)
    wait_until(lambda: states(mailing).get("sent"), "the gap began")

    sender.signal(signal.SIGTERM)

    assert sender.wait(3.0) == 0
    assert states(mailing) == {"sent": 1, "queued": 1}
    assert_never_twice_never_lost(server, mailing)


def test_a_reply_that_does_not_come_is_not_awaited_forever(nursery, server):
    """The row stays as it is: whether the server took the message, nobody knows."""
    server.script.add(Fault(Phase.DOT, after_accept=True, times=1, hang=True))
    mailing = launched(server, customers=3)
    sender = nursery.start("send_queue", FINAL_DOT_TIMEOUT=100.0, TERM_SECONDS=0.3)
    wait_until(lambda: server.accepted, "a message waits for its reply")

    began = time.monotonic()
    sender.signal(signal.SIGTERM)

    assert sender.wait() == 0
    assert time.monotonic() - began < 30
    assert states(mailing) == {"sending": 1, "queued": 2}
    assert_never_twice_never_lost(server, mailing)

    send_all(timezone.now() + dt.timedelta(hours=1))
    assert states(mailing) == {"sent": 2, "uncertain": 1}
    assert_drained(server, mailing, uncertain=1)
    mailing.refresh_from_db()
    assert mailing.status == MailingOut.Status.NEEDS_PERSON
