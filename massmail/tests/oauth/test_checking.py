"""Accounts that send nothing are looked at once a day."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from massmail import tasks
from massmail.backends.phases import Phase
from massmail.models import Alert, EmailAccount
from massmail.orchestrator import checking
from massmail.orchestrator.chores import Chore, usual_chores
from massmail.orchestrator.send import never
from massmail.tests.factories import SendAttemptFactory
from massmail.tests.oauth.conftest import account_for
from massmail.tests.smtp_server import Fault

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)


@pytest.fixture
def idle(connected) -> EmailAccount:
    """Two days old, never used."""
    return aged(connected)


def aged(account: EmailAccount) -> EmailAccount:
    EmailAccount.objects.filter(pk=account.pk).update(
        created_at=timezone.now() - 2 * DAY,
        access_token_expires_at=timezone.now() - DAY,
    )
    account.refresh_from_db()
    return account


def test_an_account_that_was_idle_for_a_day_is_due(idle):
    assert checking.idle_accounts() == [idle.pk]


@pytest.mark.parametrize(
    "change",
    [
        {"created_at": HOUR},
        {"checked_at": HOUR},
        {"state": "stopped"},
        {"state": "paused"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_new_a_checked_and_a_resting_account_are_not(idle, change):
    now = timezone.now()
    EmailAccount.objects.update(
        **{
            name: now - value if isinstance(value, dt.timedelta) else value
            for name, value in change.items()
        }
    )

    assert checking.idle_accounts() == []


def test_an_account_in_use_is_not(idle):
    SendAttemptFactory(delivery__email_account=idle, occurred_at=timezone.now() - HOUR)

    assert idle.pk not in checking.idle_accounts()


def test_a_check_logs_in_and_keeps_the_access_alive(idle, provider, server):
    assert checking.check_account(idle.pk)

    idle.refresh_from_db()
    assert (idle.state, provider.refreshes) == ("active", 1)
    assert server.accepted == []
    assert idle.refresh_token_expires_at > timezone.now() + 80 * DAY
    assert checking.idle_accounts() == []


def test_two_checks_at_once_log_in_once(idle, server):
    assert checking.check_account(idle.pk)
    assert not checking.check_account(idle.pk)

    assert server.connections == 1


def test_what_a_person_must_mend_stops_the_account_before_a_mailing_does(
    idle, provider
):
    provider.revoke()

    checking.check_account(idle.pk)

    idle.refresh_from_db()
    assert (idle.state, idle.state_reason) == ("stopped", "needs_reconnecting")
    assert Alert.objects.open_for(idle.owner).count() == 1


def test_what_passes_is_looked_at_again_in_an_hour(idle, server):
    server.script.add(Fault(Phase.BANNER, reply="421 4.3.2 busy", times=1))

    checking.check_account(idle.pk)

    idle.refresh_from_db()
    assert idle.state == "active"
    assert checking.idle_accounts() == []
    assert checking.idle_accounts(timezone.now() + 1.1 * HOUR) == [idle.pk]


@pytest.mark.parametrize(("days", "alerts"), [(2, 1), (4, 0)])
def test_access_that_ends_soon_is_warned_of_once(idle, days, alerts):
    ends_at = timezone.now() + days * DAY
    EmailAccount.objects.update(refresh_token_expires_at=ends_at)

    checking.warn_of_ending_access()
    checking.warn_of_ending_access()

    found = Alert.objects.open_for(idle.owner)
    assert found.count() == alerts
    assert all("Connect it again" in alert.text for alert in found)


def test_the_warning_ends_when_the_access_was_renewed(idle):
    EmailAccount.objects.update(refresh_token_expires_at=timezone.now() + DAY)
    checking.warn_of_ending_access()
    checking.check_account(idle.pk)

    checking.warn_of_ending_access()

    assert not Alert.objects.open_for(idle.owner).exists()


def test_a_consent_with_an_end_keeps_its_end(owner, server, provider):
    """Google ends the access of an app in testing after a week, used or not."""
    account = account_for(owner, server, "google")
    access, refresh = provider.issue(account.from_email)
    account.access_token, account.refresh_token = access, refresh
    account.save()
    provider.extra = {"refresh_token_expires_in": 3 * 86_400 - 60}

    checking.check_account(aged(account).pk)
    checking.warn_of_ending_access()

    account.refresh_from_db()
    assert account.refresh_token_expires_at < timezone.now() + 3 * DAY
    assert Alert.objects.open_for(owner).count() == 1


def test_the_task_wakes_one_check_for_each(idle, monkeypatch):
    calls: list[tuple] = []
    monkeypatch.setattr(tasks.check_account, "delay", lambda *args: calls.append(args))

    tasks.check_idle_accounts()

    assert calls == [(idle.pk,)]


def test_the_sender_without_celery_checks_every_hour():
    seen: list[str] = []
    checks = Chore(lambda stop: seen.append("checked"), 3600.0)
    checks.start_if_due(never)
    assert seen == []

    checks._next_at = 0.0
    checks.start_if_due(never)
    checks._thread.join()
    checks.start_if_due(never)

    assert seen == ["checked"]


def test_the_sender_without_celery_has_the_pace_of_the_beat(settings):
    beat = {
        entry["task"].rpartition(".")[2]: entry["schedule"]
        for entry in settings.CELERY_BEAT_SCHEDULE.values()
    }

    assert [chore._seconds for chore in usual_chores()] == [
        beat["check_idle_accounts"],
        beat["poll_mailboxes"],
    ]
