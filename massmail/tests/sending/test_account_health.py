"""An account's faults: stops, pauses, alerts, and how it comes back."""

from __future__ import annotations

import datetime as dt

import pytest

from massmail.models import AccountEvent, Alert, EmailAccount
from massmail.sending.account_health import (
    account_failed,
    account_worked,
    limit_frees,
    reactivate,
    wake_up,
)
from massmail.sending.outcomes import LIMIT_REASONS
from massmail.sending.verdicts import back_off, stop
from massmail.signals import account_stopped
from massmail.tests.factories import NOW, EmailAccountFactory

MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1)
BUSY = back_off("server_busy")
LOGIN = stop("login_refused")


@pytest.fixture
def fail(account):
    """Lets the account fail; returns it as it is then."""

    def fail(outcome, now=NOW):
        account_failed(account.pk, outcome, detail="the server's words", now=now)
        account.refresh_from_db()
        return account

    return fail


def open_alerts():
    return Alert.objects.filter(closed_at=None)


def test_a_fault_for_a_person_stops_the_account_at_once(fail, anna):
    account = fail(LOGIN)

    assert (account.state, account.state_reason) == ("stopped", "login_refused")
    assert account.paused_until is None
    assert account.last_error == "the server's words"
    event = AccountEvent.objects.get()
    assert (event.state, event.reason, event.occurred_at) == (
        "stopped",
        "login_refused",
        NOW,
    )
    assert open_alerts().get().recipient == anna


def test_a_stop_is_told_once(fail, account, django_capture_on_commit_callbacks):
    told = []

    def listen(sender, email_account, reason, **kwargs):
        told.append((email_account.pk, reason))

    account_stopped.connect(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            fail(LOGIN)
            fail(stop("host_name_mismatch"))
    finally:
        account_stopped.disconnect(listen)

    assert told == [(account.pk, "login_refused")]
    assert AccountEvent.objects.count() == open_alerts().count() == 1


def test_a_fault_that_passes_makes_it_rest_longer_each_time(fail):
    now, rests = NOW, []
    for _ in range(8):
        account = fail(BUSY, now)
        assert (account.state, account.state_reason) == ("paused", "server_busy")
        rests.append((account.paused_until - now) / MINUTE)
        now = account.paused_until

    for minutes, rest in zip([1, 2, 5, 15, 30, 60, 60, 60], rests, strict=True):
        assert 0.8 * minutes <= rest <= 1.2 * minutes
    assert len(set(rests)) == 8


def test_after_five_failures_in_a_row_a_person_is_told_once(fail):
    now, alerts = NOW, []
    for _ in range(7):
        now = fail(BUSY, now).paused_until
        alerts.append(open_alerts().count())

    assert alerts == [0, 0, 0, 0, 1, 1, 1]


def test_connections_that_fail_together_count_once(fail):
    first = fail(BUSY).paused_until
    account = fail(back_off("connection_lost"), NOW + MINUTE / 2)

    assert account.paused_until == first
    assert (account.failures_in_a_row, account.state_reason) == (1, "server_busy")


@pytest.mark.parametrize("state", ["stopped", "paused"])
def test_a_fault_does_not_lift_what_a_person_has_set(fail, state):
    EmailAccount.objects.update(state=state, state_reason="holidays")

    account = fail(BUSY)

    assert (account.state, account.state_reason) == (state, "holidays")
    assert account.paused_until is None
    assert not AccountEvent.objects.exists()


@pytest.mark.parametrize("reason", sorted(LIMIT_REASONS))
def test_a_full_quota_is_no_failure_and_waits_for_its_window(fail, attempts, reason):
    attempts(20 * 3600, 3600, 10)

    account = fail(back_off(reason))

    assert (account.state, account.state_reason) == ("paused", reason)
    assert account.paused_until == NOW + 4 * HOUR
    assert account.failures_in_a_row == 0
    assert not open_alerts().exists()


def test_a_full_quota_waits_an_hour_at_least(account, attempts):
    attempts(24 * 3600 - 60)

    assert limit_frees(account, NOW) == NOW + HOUR


def test_a_full_quota_of_which_we_used_nothing_waits_a_day(account):
    assert limit_frees(account, NOW) == NOW + 24 * HOUR


def test_a_pause_ends_by_itself_and_remembers_its_failures(fail, account):
    until = fail(BUSY).paused_until

    assert wake_up(until - MINUTE / 60) == 0
    assert wake_up(until) == 1
    assert wake_up(until) == 0

    account.refresh_from_db()
    assert (account.state, account.state_reason) == ("active", "")
    assert account.paused_until is None
    assert account.failures_in_a_row == 1


def test_a_stop_and_a_pause_without_end_do_not_end_by_themselves(account, anna):
    EmailAccount.objects.update(state="stopped", paused_until=NOW)
    EmailAccountFactory(owner=anna, state="paused")

    assert wake_up(NOW + 1000 * HOUR) == 0


def test_an_account_that_works_forgets_its_failures_and_its_alert(fail, account):
    now = NOW
    for _ in range(5):
        now = fail(BUSY, now).paused_until
    wake_up(now)

    account_worked(account.pk, now)

    account.refresh_from_db()
    assert account.failures_in_a_row == 0
    assert not open_alerts().exists()
    assert Alert.objects.get().closed_at == now


def test_who_mends_an_account_is_remembered(fail, account, anna):
    fail(LOGIN)

    reactivate(account, by=anna, now=NOW + HOUR)

    account.refresh_from_db()
    assert (account.state, account.state_reason, account.paused_until) == (
        "active",
        "",
        None,
    )
    assert (account.last_error, account.failures_in_a_row) == ("", 0)
    latest = AccountEvent.objects.first()
    assert (latest.state, latest.by, latest.occurred_at) == (
        "active",
        anna,
        NOW + HOUR,
    )
    assert not open_alerts().exists()


def test_a_mended_account_that_fails_again_alerts_again(fail, account, anna):
    fail(LOGIN)
    reactivate(account, by=anna, now=NOW)
    fail(LOGIN)

    assert Alert.objects.count() == 2
    assert open_alerts().count() == 1


def test_long_words_of_a_server_are_cut(account):
    account_failed(account.pk, LOGIN, detail="x" * 2000, now=NOW)

    account.refresh_from_db()
    assert account.last_error == AccountEvent.objects.get().detail == "x" * 500
