"""The sender without Celery."""

from __future__ import annotations

import os
import signal
import threading

import pytest
from django.db import connection

from massmail.audience.selection import store_selection
from massmail.backends.phases import Phase
from massmail.models import EmailAccount, Heartbeat
from massmail.tests.factories import EmlMessageFactory
from massmail.tests.hostapp.models import Customer
from massmail.tests.mailings import launched, states
from massmail.tests.smtp_server import Fault, FaultServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server():
    with FaultServer() as running:
        yield running


def test_once_sends_all_that_is_due_and_ends(manage, server):
    mailing = launched(server, customers=5)

    ended = manage("send_queue", "--once")

    assert (ended.code, ended.stdout) == (0, "")
    assert states(mailing) == {"sent": 5}
    assert ended.stderr == f"account {EmailAccount.objects.get().pk}: 5 sent\n"
    mailing.refresh_from_db()
    assert mailing.status == "D"
    assert set(Heartbeat.objects.values_list("name", flat=True)) == {"beat", "worker"}


def test_once_with_nothing_to_do_ends_at_once(manage):
    assert manage("send_queue", "--once").stderr == ""


def test_once_also_prepares_what_was_chosen(manage, server):
    first = launched(server, customers=2)
    mailing = store_selection(
        owner=first.owner,
        message=EmlMessageFactory(owner=first.owner),
        recipients=Customer.objects.all(),
    )

    manage("send_queue", "--once")

    mailing.refresh_from_db()
    assert mailing.prepared_at is not None
    assert states(mailing) == {"queued": 2}


@pytest.mark.parametrize(("lanes", "connections"), [(1, 1), (2, 2)])
def test_lanes_bound_the_connections(manage, server, lanes, connections):
    mailing = launched(server, customers=12, max_connections=4)

    manage("send_queue", "--once", "--lanes", lanes)

    assert states(mailing) == {"sent": 12}
    assert server.connections <= connections


@pytest.mark.parametrize("lanes", [0, -1, "x"])
def test_a_sender_needs_a_lane(manage, lanes):
    assert manage("send_queue", "--once", "--lanes", lanes).code == 1


def test_what_stops_an_account_is_told_and_ends_the_rest(manage):
    with FaultServer(credentials={"anna": "right"}) as server:
        mailing = launched(
            server, auth="password", email_host_user="anna", email_host_password="bad"
        )
        ended = manage("send_queue", "--once")

    assert ended.code == 0
    assert "login_refused" in ended.stderr
    assert states(mailing) == {"queued": 3}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_message_in_flight_end_and_starts_no_other(
    manage, server, number
):
    mailing = launched(server, customers=5)
    server.script.add(Fault(Phase.DOT, times=1, delay_seconds=0.3, after_accept=True))
    original = server.script.next_fault
    ended = []

    def next_fault(phase, *args):
        if phase is Phase.DOT and not ended:
            ended.append(phase)
            os.kill(os.getpid(), number)
        return original(phase, *args)

    server.script.next_fault = next_fault
    result = manage("send_queue")

    assert result.code == 0
    assert states(mailing) == {"sent": 1, "queued": 4}
    assert len(server.accepted) == 1


def test_afterwards_the_signals_mean_what_they_meant(manage):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)

    manage("send_queue", "--once")

    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_sender_in_a_thread_needs_no_signals(manage, server):
    mailing = launched(server, customers=2)
    codes = []

    def run():
        codes.append(manage("send_queue", "--once").code)
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()

    assert codes == [0]
    assert states(mailing) == {"sent": 2}
