"""Servers that are slow, that never answer, and that end sessions early."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connections

from massmail.backends.phases import Phase
from massmail.models import EmailAccount
from massmail.orchestrator import sender as sender_module
from massmail.orchestrator.lifecycle import launch
from massmail.orchestrator.sender import Sender
from massmail.tests.faults.repairs import (
    addresses,
    assert_ledger_is_clean,
    drain,
    everybody,
)
from massmail.tests.mailings import (
    account_at,
    draft,
    launched,
    ready_settings,
    send_all,
    states,
)
from massmail.tests.smtp_server import Fault, FaultServer, Offer

pytestmark = pytest.mark.django_db
PATIENCE = 60.0
PHASES = [
    Phase.CONNECT,
    Phase.BANNER,
    Phase.EHLO,
    Phase.MAIL,
    Phase.RCPT,
    Phase.DATA,
    Phase.BODY,
    Phase.DOT,
    Phase.QUIT,
]


def test_a_server_that_is_slow_at_each_phase_gets_everything(server, set_massmail):
    set_massmail(CONNECT_TIMEOUT=20, COMMAND_TIMEOUT=20, FINAL_DOT_TIMEOUT=20)
    for phase in PHASES:
        server.script.add(Fault(phase, delay_seconds=0.05, times=3, after_accept=True))
    mailing = launched(server, customers=6, max_connections=2)

    send_all()

    assert states(mailing) == {"sent": 6}
    assert addresses(server) == everybody(mailing)
    assert_ledger_is_clean(mailing)


# Content is taken by the network, read or not: from there on only a reply is missing.
@pytest.mark.parametrize("phase", PHASES[:6])
def test_a_server_that_is_too_slow_is_asked_again_later(server, set_massmail, phase):
    set_massmail(CONNECT_TIMEOUT=0.3, COMMAND_TIMEOUT=0.3)
    server.script.add(Fault(phase, hang=True, times=1))
    mailing = launched(server)

    send_all()

    account = EmailAccount.objects.get()
    assert (account.state, account.state_reason) == ("paused", "timed_out")
    assert states(mailing) == {"queued": 3}
    set_massmail(CONNECT_TIMEOUT=30, COMMAND_TIMEOUT=60)
    drain(mailing)
    assert states(mailing) == {"sent": 3}
    assert addresses(server) == everybody(mailing)
    assert_ledger_is_clean(mailing)


@pytest.mark.parametrize("phase", [Phase.BODY, Phase.DOT])
def test_a_reply_to_the_dot_that_comes_too_late_is_uncertain(
    server, set_massmail, phase
):
    set_massmail(FINAL_DOT_TIMEOUT=0.2)
    server.script.add(Fault(phase, after_accept=True, delay_seconds=2.0, times=1))
    mailing = launched(server, customers=1)

    send_all()

    assert states(mailing) == {"uncertain": 1}
    assert server.wait_until_idle()
    assert addresses(server) == everybody(mailing)
    assert_ledger_is_clean(mailing)


def test_sessions_that_end_after_some_messages_cost_nothing_but_time():
    with FaultServer(offer=Offer(max_messages=4)) as server:
        mailing = launched(server, customers=30, max_connections=3)
        send_all()
        assert EmailAccount.objects.get().state == "active"
        drain(mailing)
        assert states(mailing) == {"sent": 30}
        assert addresses(server) == everybody(mailing)
        assert_ledger_is_clean(mailing)


@pytest.fixture
def in_background(monkeypatch):
    """Runs a Sender in threads, as `send_queue` does; ended with the test."""
    monkeypatch.setattr(sender_module, "WALK_SECONDS", 0.05)
    sender = Sender()

    def work():
        try:
            sender.run()
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    yield thread.start
    sender.stop()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def wait_until(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.02)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("phase", [Phase.BANNER, Phase.DATA, Phase.DOT])
def test_a_half_open_server_keeps_no_other_account_from_sending(
    in_background, set_massmail, phase
):
    set_massmail(TERM_SECONDS=0.2, RUN_SECONDS=0.5)
    ready_settings()
    mailing = draft(customers=40)
    hangs = Fault(phase, hang=True)
    with FaultServer(faults=[hangs]) as silent, FaultServer() as healthy:
        account_at(silent, mailing.owner)
        working = account_at(healthy, mailing.owner)
        launch(mailing, by=mailing.owner)

        in_background()
        wait_until(lambda: silent.open_connections, "the silent server is asked")
        wait_until(lambda: len(healthy.accepted) == 20, "the other account is done")

        rows = mailing.deliveries.filter(email_account=working)
        wait_until(lambda: rows.filter(status="sent").count() == 20, "it is written")
        assert silent.open_connections == 1
        assert silent.accepted == []
