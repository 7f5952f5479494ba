"""How an account fares: its page and its line in the list say it in words."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from massmail.models import (
    AccountEvent,
    Alert,
    EmailAccount,
    MassmailSettings,
    SendAttempt,
)
from massmail.models.alert import account_cause
from massmail.sending.account_health import account_failed, pause, reactivate, stop
from massmail.sending.outcomes import Outcome, Scope, Verdict
from massmail.tests.factories import (
    NOW,
    AlertFactory,
    DeliveryFactory,
    EmailAccountFactory,
    SendAttemptFactory,
)
from massmail.tests.site.conftest import page

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def account(owner, colleague):
    return EmailAccountFactory(
        owner=owner, co_owner=colleague, name="news", per_hour=None, per_day=3
    )


def url(account: EmailAccount, name: str) -> str:
    return reverse(f"admin:massmail_emailaccount_{name}", args=[account.pk])


def text(browser, user, address: str) -> str:
    return browser(user).get(address).content.decode()


def told(browser, user, account: EmailAccount):
    """What the page's template was given."""
    return browser(user).get(page(account)).context


def attempts(account: EmailAccount, *ages: dt.timedelta) -> None:
    row = DeliveryFactory(email_account=account, mailing__owner=account.owner)
    for age in ages:
        SendAttemptFactory(delivery=row, occurred_at=timezone.now() - age)


def test_an_active_account_says_that_it_sends(browser, owner, account):
    context = told(browser, owner, account)

    assert context["health"].tone == "good"
    assert context["health"].sentence == "Nothing waits for it."
    assert not context["can_activate"]


def test_a_stopped_account_says_why_what_to_do_and_what_the_server_said(
    browser, owner, account
):
    stop(account, "login_refused", detail="535 5.7.8 <b>no</b>", now=NOW)

    context = told(browser, owner, account)

    assert context["health"].tone == "stopped"
    assert "Check user name and password" in context["health"].help_text
    assert context["health"].server_words == "535 5.7.8 <b>no</b>"
    assert "535 5.7.8 &lt;b&gt;no&lt;/b&gt;" in text(browser, owner, page(account))


def test_a_resting_account_says_until_when(browser, owner, account):
    until = timezone.now() + HOUR
    EmailAccount.objects.filter(pk=account.pk).update(
        state="paused", state_reason="server_busy", paused_until=until
    )

    health = told(browser, owner, account)["health"]

    assert health.tone == "resting"
    assert "It continues by itself" in health.sentence
    assert "UTC" in health.sentence


def test_a_pause_that_is_over_counts_as_none(browser, owner, account):
    EmailAccount.objects.filter(pk=account.pk).update(
        state="paused", paused_until=timezone.now() - HOUR
    )

    assert told(browser, owner, account)["health"].tone == "good"


def test_our_own_code_word_is_not_shown_as_the_servers(browser, owner, account):
    stop(account, "certificate_invalid", detail="certificate_invalid: expired", now=NOW)

    assert told(browser, owner, account)["health"].server_words == "expired"


def test_what_was_sent_is_shown_against_the_limits(browser, owner, account):
    attempts(account, HOUR / 2, 2 * HOUR, 30 * HOUR)

    hour, day = told(browser, owner, account)["usages"]

    assert (hour.used, hour.limit) == (1, None)
    assert (day.used, day.limit, day.is_full) == (2, 3, False)


def test_the_limit_of_the_settings_stands_in_for_a_blank_one(browser, owner, account):
    EmailAccount.objects.filter(pk=account.pk).update(per_day=None)
    MassmailSettings(emails_per_day=94).save()

    assert told(browser, owner, account)["usages"][1].limit == 94


def test_a_used_up_limit_says_when_it_goes_on(browser, owner, account):
    attempts(account, HOUR, HOUR, HOUR)

    health = told(browser, owner, account)["health"]

    assert "has used up its sending limit. It continues" in health.sentence


def test_waiting_recipients_are_counted(browser, owner, account):
    DeliveryFactory.create_batch(2, email_account=account, mailing__owner=owner)
    DeliveryFactory(email_account=account, mailing__owner=owner, status="sent")

    assert told(browser, owner, account)["waiting"] == 2


def test_the_history_shows_the_newest_twenty(browser, owner, account):
    for minute in range(25):
        AccountEvent.objects.create(
            email_account=account,
            occurred_at=NOW + dt.timedelta(minutes=minute),
            state="stopped",
            reason="login_refused",
            by=owner if minute == 24 else None,
        )

    history = told(browser, owner, account)["history"]

    assert len(history) == 20
    assert history[0]["by"] == owner
    assert history[0]["reason"].startswith("The server refused the login.")


def test_the_co_owner_sees_how_it_fares_without_buttons(browser, colleague, account):
    stop(account, "login_refused", detail="535 no", now=NOW)

    context = told(browser, colleague, account)

    assert context["health"].is_stopped
    assert "urls" not in context


def test_the_list_tells_state_limit_and_last_error(browser, owner, account):
    attempts(account, HOUR, 2 * HOUR)
    stop(account, "login_refused", detail="535 no", now=NOW)

    body = text(browser, owner, page(EmailAccount, "changelist"))

    assert 'data-tone="stopped">stopped' in body
    assert "535 no" in body
    assert "2 / 3" in body


def test_the_list_asks_the_same_however_long_it_is(browser, owner, account):
    client = browser(owner)
    address = page(EmailAccount, "changelist")
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    EmailAccountFactory.create_batch(20, owner=owner)
    with CaptureQueriesContext(connection) as many:
        client.get(address)

    assert len(many) == len(few)


def test_the_owner_pauses_for_a_while(browser, owner, account):
    before = timezone.now()

    response = browser(owner).post(url(account, "pause"), {"hours": "4"})

    assert response.status_code == 302
    account.refresh_from_db()
    assert (account.state, account.state_reason) == ("paused", "Paused by owner.")
    assert before + 4 * HOUR <= account.paused_until <= timezone.now() + 4 * HOUR
    assert AccountEvent.objects.get().by == owner


def test_a_pause_without_an_end_lasts_until_the_account_is_activated(
    browser, owner, account
):
    client = browser(owner)
    client.post(url(account, "pause"), {"hours": ""})
    busy = Outcome(Scope.ACCOUNT, Verdict.RETRY, "server_busy")
    account_failed(account.pk, busy, detail="421", now=timezone.now())
    account.refresh_from_db()
    assert (account.state, account.paused_until) == ("paused", None)

    client.post(url(account, "activate"))

    account.refresh_from_db()
    assert account.state == "active"


@pytest.mark.parametrize("hours", ["5", "-1", "x", "1e9"])
def test_another_duration_is_refused(browser, owner, account, hours):
    response = browser(owner).post(url(account, "pause"), {"hours": hours}, follow=True)

    assert "Choose from the list" in response.content.decode()
    account.refresh_from_db()
    assert account.state == "active"


def test_a_stopped_account_cannot_be_paused(browser, owner, account):
    stop(account, "login_refused", detail="535 no", now=NOW)

    response = browser(owner).post(url(account, "pause"), follow=True)

    assert "The account is stopped already." in response.content.decode()
    account.refresh_from_db()
    assert (account.state, account.state_reason) == ("stopped", "login_refused")


@pytest.mark.parametrize("name", ["pause", "activate"])
def test_a_get_changes_nothing(browser, owner, account, name):
    assert browser(owner).get(url(account, name)).status_code == 405
    assert not AccountEvent.objects.exists()


@pytest.mark.parametrize("name", ["pause", "activate", "test", "hand_over"])
def test_the_buttons_are_the_owners_and_superusers(
    browser, colleague, superuser, account, name
):
    assert browser(colleague).post(url(account, name)).status_code == 403
    assert browser(superuser).post(url(account, name)).status_code in (200, 302)


def test_activating_twice_is_harmless(browser, owner, account):
    stop(account, "login_refused", detail="535 no", now=NOW)
    client = browser(owner)

    for _click in range(2):
        assert client.post(url(account, "activate")).status_code == 302

    account.refresh_from_db()
    assert account.state == "active"
    assert not Alert.objects.filter(closed_at=None).exists()


def test_the_events_list_reads_as_words(browser, owner, account):
    stop(account, "login_refused", detail="timed_out: slow", now=NOW)
    event = AccountEvent.objects.get()

    body = text(browser, owner, page(event))

    assert "The server refused the login." in body
    assert "timed_out" not in body


def test_a_new_owner_is_told_what_the_old_one_was(
    browser, superuser, colleague, account
):
    AlertFactory(
        cause=account_cause(account.pk), recipient=account.owner, mailed_at=NOW
    )
    data = {"name": "news", "from_email": account.from_email, "owner": colleague.pk}
    data |= {"email_host": "127.0.0.1", "email_port": 2525, "security": "none"}
    data |= {"auth": "none", "min_gap_seconds": 0, "max_gap_seconds": 0}
    data |= {"max_connections": 1, "imap_port": 993}

    assert browser(superuser).post(page(account), data).status_code == 302

    alert = Alert.objects.get()
    assert (alert.recipient, alert.mailed_at) == (colleague, None)


def test_an_alert_does_not_outlive_its_account(browser, owner, account):
    AlertFactory(cause=account_cause(account.pk), recipient=owner)

    browser(owner).post(page(account, "delete"), {"post": "yes"})

    assert Alert.objects.get().closed_at is not None


def test_a_person_can_lengthen_a_rest(owner, account):
    pause(account, by=owner, until=NOW + HOUR, now=NOW)
    pause(account, by=owner, until=None, now=NOW)
    account.refresh_from_db()
    assert (account.state, account.paused_until) == ("paused", None)

    reactivate(account, by=owner, now=NOW)

    assert not SendAttempt.objects.exists()
    assert [event.state for event in AccountEvent.objects.order_by("pk")] == [
        "paused",
        "paused",
        "active",
    ]
