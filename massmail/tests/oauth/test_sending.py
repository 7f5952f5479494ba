"""Sending with tokens: renewed in time, once after a refusal, never at a recipient's
cost."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from massmail.audience.snapshot import create_mailing
from massmail.backends.phases import Phase
from massmail.models import Alert, Delivery, EmailAccount, SendAttempt
from massmail.orchestrator.lifecycle import launch
from massmail.orchestrator.probing import probe_connection
from massmail.tests.factories import EmlMessageFactory
from massmail.tests.hostapp.models import Customer
from massmail.tests.mailings import add_customers, ready_settings, send_all
from massmail.tests.oauth.conftest import ADDRESS, consent, start
from massmail.tests.smtp_server import Fault

pytestmark = [pytest.mark.django_db, pytest.mark.urls("massmail.tests.site.urls")]
COUNT = 3


@pytest.fixture
def mailing(connected):
    ready_settings()
    add_customers(connected.owner, COUNT)
    mailing = create_mailing(
        owner=connected.owner,
        message=EmlMessageFactory(owner=connected.owner),
        recipients=Customer.objects.filter(owner=connected.owner),
    )
    return launch(mailing, by=connected.owner)


def age(account: EmailAccount, minutes: float) -> None:
    """The access token has that many minutes left."""
    EmailAccount.objects.filter(pk=account.pk).update(
        access_token_expires_at=timezone.now() + dt.timedelta(minutes=minutes)
    )


def rows() -> set[tuple[str, int]]:
    return set(Delivery.objects.exclude(mailing=None).values_list("status", "attempts"))


def test_a_token_that_is_good_is_used_as_it_is(mailing, connected, provider, server):
    send_all()

    assert len(server.accepted) == COUNT
    assert provider.refreshes == 0


@pytest.mark.parametrize(("minutes", "refreshes"), [(4.9, 1), (5.5, 0), (-600, 1)])
def test_a_token_is_renewed_when_less_than_five_minutes_are_left(
    mailing, connected, provider, server, minutes, refreshes
):
    age(connected, minutes)

    send_all()

    assert len(server.accepted) == COUNT
    assert provider.refreshes == refreshes


def test_new_tokens_are_stored(mailing, connected, provider, server):
    before = connected.refresh_token
    age(connected, 1)

    send_all()

    connected.refresh_from_db()
    assert connected.refresh_token != before
    assert server.tokens[ADDRESS] == connected.access_token
    assert connected.token_lease is None
    assert connected.access_token_expires_at > timezone.now() + dt.timedelta(minutes=50)


def test_a_provider_that_does_not_rotate_keeps_its_token(
    mailing, connected, provider, server
):
    provider.rotates = False
    age(connected, 1)

    send_all()

    assert len(server.accepted) == COUNT
    assert EmailAccount.objects.get().refresh_token == connected.refresh_token


def test_a_refused_token_is_renewed_once_and_sending_goes_on(
    mailing, connected, provider, server
):
    server.tokens[ADDRESS] = "withdrawn before its time"

    send_all()

    assert len(server.accepted) == COUNT
    assert provider.refreshes == 1
    assert rows() == {("sent", 1)}


def test_a_second_refusal_stops_the_account_and_leaves_the_queue(
    mailing, connected, provider, server
):
    server.script.add(Fault(Phase.AUTH, reply="535 5.7.8 bad credentials"))

    send_all()

    assert provider.refreshes == 1
    connected.refresh_from_db()
    assert (connected.state, connected.state_reason) == ("stopped", "login_refused")
    assert Alert.objects.filter(closed_at=None).count() == 1
    assert rows() == {("queued", 0)}
    assert not SendAttempt.objects.exists()


def test_any_words_of_a_welcome_will_do(mailing, connected, server):
    server.script.add(Fault(Phase.AUTH, reply="235 come in, it's open"))

    send_all()

    assert len(server.accepted) == COUNT


@pytest.mark.parametrize(
    "code", ["invalid_grant", "interaction_required", "consent_required"]
)
def test_a_lost_consent_stops_the_account_until_it_is_reconnected(
    mailing, connected, provider, server, browser, certificates, code
):
    age(connected, 1)
    answer = {"error": code, "error_description": "Gone."}
    if code == "invalid_grant":
        # Google: the organisation wants a new login from time to time.
        answer["error_subtype"] = "invalid_rapt"
    provider.next_answers = [(400, answer)]

    send_all()

    connected.refresh_from_db()
    assert (connected.state, connected.state_reason) == (
        "stopped",
        "needs_reconnecting",
    )
    [alert] = Alert.objects.filter(closed_at=None)
    assert "needs reconnecting" in alert.text
    assert rows() == {("queued", 0)}
    assert server.connections == 0

    provider.mailbox.address = ADDRESS
    client = browser(connected.owner)
    client.get(consent(start(client, connected), certificates))
    send_all()

    assert rows() == {("sent", 1)}
    assert len(server.accepted) == COUNT
    assert not Alert.objects.filter(closed_at=None).exists()


@pytest.mark.parametrize(
    "answer",
    [
        (500, {}),
        (503, {"error": "temporarily_unavailable"}),
        (429, {"error": "too_many_requests"}),
    ],
)
def test_a_provider_in_trouble_makes_the_account_wait(
    mailing, connected, provider, server, answer
):
    age(connected, 1)
    provider.next_answers = [answer]

    send_all()

    connected.refresh_from_db()
    assert (connected.state, connected.state_reason) == (
        "paused",
        "provider_unavailable",
    )
    assert rows() == {("queued", 0)}
    assert connected.token_lease is None
    assert server.connections == 0

    send_all(now=connected.paused_until + dt.timedelta(seconds=1))

    assert rows() == {("sent", 1)}


ODD = {"access_token": None}


@pytest.mark.parametrize("answer", [(200, []), (400, []), (200, "x"), (200, ODD)])
def test_an_answer_without_sense_stops_the_account(
    mailing, connected, provider, server, answer
):
    age(connected, 1)
    provider.next_answers = [answer]

    send_all()

    connected.refresh_from_db()
    assert (connected.state, connected.state_reason) == ("stopped", "provider_refused")
    assert rows() == {("queued", 0)}
    assert connected.token_lease is None


@pytest.mark.parametrize("seconds", ["soon", 1e18, 0, None])
def test_a_lifetime_without_sense_ends_no_run(mailing, connected, provider, seconds):
    """Where the provider's library cannot read it, the account stops and says so."""
    age(connected, 1)
    provider.expires_in = seconds

    send_all()

    connected.refresh_from_db()
    found = (connected.state, connected.state_reason, *rows())
    assert found in [
        ("active", "", ("sent", 1)),
        ("stopped", "provider_refused", ("queued", 0)),
    ]
    assert connected.token_lease is None


def test_a_provider_that_is_silent_makes_the_account_wait(
    mailing, connected, provider, server, settings
):
    settings.MASSMAIL = settings.MASSMAIL | {"PROVIDER_TIMEOUT": 0.3}
    age(connected, 1)
    provider.gate.clear()

    send_all()

    connected.refresh_from_db()
    assert connected.state_reason == "provider_unavailable"
    assert rows() == {("queued", 0)}


def test_a_site_that_the_provider_does_not_know_stops_the_account(
    mailing, connected, provider, server
):
    age(connected, 1)
    provider.next_answers = [(401, {"error": "invalid_client"})]

    send_all()

    connected.refresh_from_db()
    assert (connected.state, connected.state_reason) == ("stopped", "provider_refused")
    assert rows() == {("queued", 0)}


def test_an_account_that_was_never_connected_says_so(
    mailing, connected, provider, server
):
    EmailAccount.objects.forget_tokens(connected.pk)

    send_all()

    connected.refresh_from_db()
    assert connected.state_reason == "needs_reconnecting"
    assert rows() == {("queued", 0)}


def test_a_token_of_another_key_stops_the_account_and_is_kept(
    mailing, connected, provider, settings
):
    key = settings.FIELD_ENCRYPTION_KEYS
    age(connected, 1)
    settings.FIELD_ENCRYPTION_KEYS = ["dGVzdC1vbmx5LWtleS0zMi1ieXRlcy0tLXdyb25nISE="]

    send_all()

    account = EmailAccount.objects.get()
    assert (account.state, account.state_reason) == ("stopped", "secret_unreadable")
    assert rows() == {("queued", 0)}
    settings.FIELD_ENCRYPTION_KEYS = key
    assert EmailAccount.objects.get().refresh_token == connected.refresh_token


def test_a_run_holds_one_token_for_all_its_lanes(mailing, connected, provider, server):
    EmailAccount.objects.update(max_connections=3)
    age(connected, 1)

    send_all()

    assert provider.refreshes == 1
    assert len(server.accepted) == COUNT


def test_the_test_button_renews_the_token_too(connected, provider, server):
    age(connected, 1)

    steps = probe_connection(connected)

    assert {step.state for step in steps} == {"done"}
    assert provider.refreshes == 1


def test_the_test_button_says_that_the_provider_refused(connected, provider, server):
    provider.revoke()
    age(connected, 1)

    steps = probe_connection(connected)

    [failed] = [step for step in steps if step.state == "failed"]
    assert failed.phase is Phase.AUTH
    assert "needs reconnecting" in failed.help_text
    assert {step.state for step in steps} == {"open", "failed"}


def test_a_time_that_is_given_governs_tokens(mailing, connected, provider, server):
    later = timezone.now() + dt.timedelta(hours=2)

    send_all(now=later)

    assert provider.refreshes == 1
    expires_at = EmailAccount.objects.get().access_token_expires_at
    assert expires_at > later + dt.timedelta(minutes=50)


def test_a_token_that_the_server_repeats_is_not_kept(mailing, connected, server):
    token = connected.access_token
    server.script.add(Fault(Phase.AUTH, reply=f"454 4.7.0 no luck with {token}"))

    send_all()

    connected.refresh_from_db()
    assert connected.state_reason == "login_unavailable"
    assert "no luck with ***" in connected.last_error


def test_a_token_that_the_provider_repeats_is_not_kept(mailing, connected, provider):
    age(connected, 1)
    words = f"The token {connected.refresh_token} is unknown."
    answer = {"error": "invalid_grant", "error_description": words}
    provider.next_answers = [(400, answer)]

    send_all()

    told = EmailAccount.objects.get().last_error
    assert "The token *** is unknown." in told
    assert connected.refresh_token not in told


@pytest.mark.parametrize("auth", ["google", "microsoft"])
def test_a_token_is_shown_to_no_other_server(mailing, connected, server, auth):
    EmailAccount.objects.update(auth=auth, email_host="mail.attacker.net")

    send_all()

    connected.refresh_from_db()
    assert (connected.state, connected.state_reason) == ("stopped", "login_impossible")
    assert "mail.attacker.net is no server of " in connected.last_error
    assert server.commands == []
    assert rows() == {("queued", 0)}


def test_a_server_in_the_network_is_the_providers_only_where_such_are_allowed(
    mailing, connected, server, settings
):
    settings.MASSMAIL = settings.MASSMAIL | {"ALLOW_PRIVATE_HOSTS": False}

    send_all()

    connected.refresh_from_db()
    assert connected.state_reason == "login_impossible"
    assert server.commands == []
