"""What fails with settings of before must not stop an account that was mended since."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from django.db import connections
from django.utils import timezone

from massmail.backends.phases import Phase
from massmail.models import AccountEvent, Alert, EmailAccount
from massmail.orchestrator.checking import check_account
from massmail.orchestrator.send import send_account_queue
from massmail.sending import account_health
from massmail.tests.mailings import launched, send_all, states
from massmail.tests.smtp_server import Fault, FaultServer

pytestmark = pytest.mark.django_db(transaction=True)

LOGIN = {"auth": "password", "email_host_user": "anna", "email_host_password": "old"}


@pytest.fixture
def server():
    """Takes the new password only."""
    with FaultServer(credentials={"anna": "new"}) as running:
        yield running


@contextmanager
def meanwhile(server, phase, action):
    """A person acts while the server thinks about its first answer at this phase."""
    original = server.script.next_fault
    left = [action]

    def next_fault(at, *args):
        if at is phase and left:
            left.pop()()
            connections.close_all()
        return original(at, *args)

    server.script.next_fault = next_fault
    yield
    server.script.next_fault = original
    assert not left


def give_new_password():
    account = EmailAccount.objects.get()
    account.email_host_password = "new"
    account.save()


def activate():
    """Whatever stopped it was mended at the provider."""
    account = EmailAccount.objects.get()
    account_health.stop(account, "login_refused", detail="535", now=timezone.now())
    account_health.reactivate(account, by=account.owner, now=timezone.now())


def assert_it_goes_on(server, mailing):
    account = EmailAccount.objects.get()
    assert (account.state, account.failures_in_a_row) == ("active", 0)
    assert not Alert.objects.filter(closed_at=None).exists()
    give_new_password()
    server.script.clear()
    send_all()
    assert states(mailing) == {"sent": 3}
    assert len(server.accepted) == 3


@pytest.mark.parametrize("mend", [give_new_password, activate])
def test_a_login_of_before_stops_nothing(server, mend):
    mailing = launched(server, **LOGIN)

    with meanwhile(server, Phase.AUTH, mend):
        report = send_account_queue(EmailAccount.objects.get().pk)

    assert report.stopped_because == "login_refused"
    assert_it_goes_on(server, mailing)


def test_a_server_of_before_that_is_busy_pauses_nothing(server):
    server.script.add(Fault(Phase.BANNER, reply="421 4.3.2 busy"))
    mailing = launched(server, **LOGIN)

    with meanwhile(server, Phase.BANNER, give_new_password):
        report = send_account_queue(EmailAccount.objects.get().pk)

    assert report.stopped_because == "server_busy"
    assert not AccountEvent.objects.exists()
    assert_it_goes_on(server, mailing)


def test_the_daily_check_of_before_stops_nothing(server):
    mailing = launched(server, **LOGIN)

    with meanwhile(server, Phase.AUTH, give_new_password):
        assert check_account(EmailAccount.objects.get().pk)

    assert_it_goes_on(server, mailing)


def test_settings_that_nobody_edited_do_stop_it(server):
    mailing = launched(server, **LOGIN)

    send_account_queue(EmailAccount.objects.get().pk)

    assert EmailAccount.objects.get().state == "stopped"
    assert states(mailing) == {"queued": 3}
