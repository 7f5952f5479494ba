"""A fault at each phase of a conversation: afterwards everybody is mailed once.

The conversation has all of them: STARTTLS, login, envelope, content.
"""

from __future__ import annotations

import socket

import pytest
from django.utils import timezone

from massmail.backends.phases import Phase
from massmail.models import EmailAccount, SuppressedAddress
from massmail.orchestrator.repair import count_as_sent, send_again
from massmail.tests.faults.repairs import (
    addresses,
    assert_ledger_is_clean,
    drain,
    everybody,
)
from massmail.tests.mailings import launched, send_all, states
from massmail.tests.smtp_server import Fault, FaultServer, Offer

pytestmark = pytest.mark.django_db

LOGIN = {
    "security": "starttls",
    "auth": "password",
    "email_host_user": "anna",
    "email_host_password": "right",
}
ACTIVE = ("active", "")
LOST = ("paused", "connection_lost")
WAITING = {"queued": 3}
# The fault meets one recipient, the others go on.
ONE_LATER = {"sent": 2, "queued": 1}
ONE_FAILED = {"sent": 2, "failed": 1}

DROPS = [
    (Phase.CONNECT, LOST, WAITING),
    (Phase.BANNER, LOST, WAITING),
    (Phase.EHLO, LOST, WAITING),
    (Phase.STARTTLS, LOST, WAITING),
    (Phase.TLS, LOST, WAITING),
    (Phase.AUTH, LOST, WAITING),
    (Phase.MAIL, LOST, WAITING),
    (Phase.RCPT, LOST, WAITING),
    (Phase.DATA, LOST, WAITING),
    (Phase.BODY, LOST, WAITING),
    (Phase.QUIT, ACTIVE, {"sent": 3}),
]
REFUSALS = [
    (Phase.BANNER, "421 4.3.2 shutting down", ("paused", "server_busy"), WAITING),
    (Phase.BANNER, "554 5.3.2 no service", ("paused", "server_refused"), WAITING),
    (Phase.EHLO, "451 4.3.0 later", ("paused", "server_busy"), WAITING),
    (Phase.EHLO, "550 5.7.1 no", ("stopped", "starttls_missing"), WAITING),
    (Phase.STARTTLS, "454 4.7.0 not now", ("paused", "tls_failed"), WAITING),
    (Phase.STARTTLS, "502 5.5.1 no", ("stopped", "starttls_missing"), WAITING),
    (Phase.AUTH, "454 4.7.0 later", ("paused", "login_unavailable"), WAITING),
    (Phase.AUTH, "535 5.7.8 no", ("stopped", "login_refused"), WAITING),
    (Phase.MAIL, "451 4.3.0 later", ("paused", "server_busy"), WAITING),
    (Phase.MAIL, "550 5.7.60 no", ("stopped", "sender_not_allowed"), WAITING),
    (Phase.RCPT, "451 4.7.1 later", ACTIVE, ONE_LATER),
    (Phase.RCPT, "550 5.7.0 not you", ACTIVE, ONE_FAILED),
    (Phase.DATA, "451 4.3.0 later", ACTIVE, ONE_LATER),
    (Phase.DATA, "554 5.5.0 no", ("paused", "server_refused"), WAITING),
    (Phase.DOT, "451 4.3.0 later", ACTIVE, ONE_LATER),
    (Phase.DOT, "554 5.6.0 no", ACTIVE, ONE_FAILED),
    (Phase.QUIT, "421 4.3.2 shutting down", ACTIVE, {"sent": 3}),
    (Phase.QUIT, "550 5.0.0 no", ACTIVE, {"sent": 3}),
]


@pytest.fixture
def start_server(trusted):
    """A server with all phases that meets the fault once."""
    servers = []

    def start(fault, *, pipelining=True):
        running = FaultServer(
            faults=[fault],
            offer=Offer(starttls=True, pipelining=pipelining),
            credentials={"anna": "right"},
            tls_context=trusted.server_context(),
        )
        servers.append(running.start())
        return running

    yield start
    for running in servers:
        running.stop()


def account_state():
    return EmailAccount.objects.values_list("state", "state_reason").get()


def assert_all_were_mailed_once(server, mailing):
    assert states(mailing) == {"sent": 3}
    assert addresses(server) == everybody(mailing)
    assert not SuppressedAddress.objects.exists()
    assert_ledger_is_clean(mailing)


WAYS = [
    pytest.param("reset", True, id="reset"),
    pytest.param("close", False, id="closed, one by one"),
    pytest.param("reset", False, id="reset, one by one", marks=pytest.mark.faults),
    pytest.param("close", True, id="closed", marks=pytest.mark.faults),
]


@pytest.mark.parametrize(("drop", "pipelining"), WAYS)
@pytest.mark.parametrize(("phase", "account", "rows"), DROPS, ids=str)
def test_a_drop(start_server, phase, account, rows, drop, pipelining):
    fault = Fault(phase, drop=drop, times=1)
    server = start_server(fault, pipelining=pipelining)
    mailing = launched(server, **LOGIN)

    send_all()

    assert (account_state(), states(mailing)) == (account, rows)
    assert set(mailing.deliveries.values_list("attempts", flat=True)) <= {0, 1}
    drain(mailing)
    assert_all_were_mailed_once(server, mailing)


@pytest.mark.parametrize("phase", [Phase.MAIL, Phase.RCPT, Phase.DATA, Phase.BODY])
def test_a_drop_on_a_line_that_worked_is_no_fault_of_the_account(start_server, phase):
    server = start_server(Fault(phase, drop="reset", skip=1, times=1))
    mailing = launched(server, **LOGIN)

    send_all()

    assert account_state() == ACTIVE
    assert states(mailing) == {"sent": 2, "queued": 1}
    assert server.connections == 2
    drain(mailing)
    assert_all_were_mailed_once(server, mailing)


@pytest.mark.parametrize(("phase", "reply", "account", "rows"), REFUSALS, ids=str)
def test_a_refusal(start_server, phase, reply, account, rows):
    server = start_server(Fault(phase, reply=reply, times=1))
    mailing = launched(server, **LOGIN)

    send_all()

    assert (account_state(), states(mailing)) == (account, rows)
    drain(mailing)
    assert_all_were_mailed_once(server, mailing)


@pytest.mark.parametrize("was_accepted", [True, False], ids=["taken", "not taken"])
@pytest.mark.parametrize("drop", ["close", "reset"])
def test_a_drop_after_the_dot_is_left_to_a_person(start_server, drop, was_accepted):
    fault = Fault(Phase.DOT, drop=drop, times=1, after_accept=was_accepted)
    server = start_server(fault)
    mailing = launched(server, **LOGIN)

    send_all()
    assert account_state() == ("paused", "no_answer_after_dot")
    drain(mailing)

    assert states(mailing) == {"sent": 2, "uncertain": 1}
    assert len(addresses(server)) == 2 + was_accepted
    assert_ledger_is_clean(mailing)
    decide = count_as_sent if was_accepted else send_again
    uncertain = mailing.deliveries.filter(status="uncertain")
    assert decide(uncertain, by=mailing.owner) == 1
    send_all()
    assert_all_were_mailed_once(server, mailing)


def test_a_closed_port(trusted):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        server = FaultServer(port=unused.getsockname()[1])
    mailing = launched(server)

    send_all()

    assert account_state() == ("paused", "connection_refused")
    assert states(mailing) == WAITING
    with server:
        drain(mailing, timezone.now())
        assert_all_were_mailed_once(server, mailing)
