"""Connecting a mailbox: to the provider and back, for the right person alone."""

from __future__ import annotations

import datetime as dt
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse
from django.utils import timezone

from massmail.backends.oauth2 import provider_named
from massmail.backends.phases import Phase
from massmail.models import AccountEvent, Alert, EmailAccount, OAuthRequest
from massmail.sending.account_health import account_failed, stop
from massmail.sending.outcomes import classify
from massmail.tests.factories import EmailAccountFactory
from massmail.tests.oauth.conftest import ADDRESS, account_for, consent, start

pytestmark = [pytest.mark.django_db, pytest.mark.urls("massmail.tests.site.urls")]


def connect(client, account, certificates, **data):
    return client.get(consent(start(client, account, **data), certificates))


def said(response) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def is_connected(account) -> bool:
    account.refresh_from_db()
    return account.is_connected


def test_the_request_for_consent_says_what_it_is_for(browser, owner, account):
    location = start(browser(owner), account)
    query = {
        name: value[0] for name, value in parse_qs(urlsplit(location).query).items()
    }

    assert query["response_type"] == "code"
    assert query["code_challenge_method"] == "S256"
    assert len(query["code_challenge"]) == 43
    assert query["login_hint"] == ADDRESS
    assert query["redirect_uri"] == "http://testserver/massmail/oauth/callback/"
    scopes = query["scope"].split()
    if account.auth == "google":
        assert scopes == ["openid", "email", "https://mail.google.com/"]
    else:
        assert "https://outlook.office.com/SMTP.Send" in scopes
        assert "https://outlook.office.com/IMAP.AccessAsUser.All" in scopes
        assert "offline_access" in scopes


def test_a_consent_connects_the_account(
    browser, owner, account, provider, certificates
):
    response = connect(browser(owner), account, certificates)

    assert response.status_code == 302
    assert response["Location"] == f"/massmail/emailaccount/{account.pk}/change/"
    assert said(response) == "Connected. The site may send from this mailbox."
    account.refresh_from_db()
    assert account.access_token.startswith("access-")
    assert account.refresh_token.startswith("refresh-")
    lifetime = account.access_token_expires_at - timezone.now()
    assert dt.timedelta(minutes=59) < lifetime <= dt.timedelta(hours=1)
    assert account.refresh_token_expires_at > timezone.now() + dt.timedelta(days=80)
    assert not OAuthRequest.objects.exists()


def test_what_failed_with_the_consent_of_before_stops_nothing(
    browser, owner, account, provider, certificates
):
    """A worker's call was under way while the person consented anew."""
    used = EmailAccount.objects.get()
    connect(browser(owner), account, certificates)

    account_failed(
        account.pk,
        classify(Phase.AUTH, None, detail="needs_reconnecting: invalid_grant"),
        detail="needs_reconnecting: invalid_grant",
        now=timezone.now(),
        saved_at=used.updated_at,
    )

    assert EmailAccount.objects.get().state == "active"
    assert not Alert.objects.exists()


def test_nothing_secret_is_stored_in_clear_meanwhile(browser, owner, account):
    location = start(browser(owner), account)
    state = parse_qs(urlsplit(location).query)["state"][0]

    [row] = OAuthRequest.objects.values()
    assert state not in str(row)


def test_a_state_works_once(browser, owner, account, provider, certificates):
    client = browser(owner)
    back = consent(start(client, account), certificates)
    client.get(back)
    EmailAccount.objects.update(access_token="", refresh_token="")

    response = client.get(back)

    assert "Connect again" in said(response)
    assert not is_connected(account)
    assert len(provider.token_requests) == 1


def test_a_state_works_for_ten_minutes(browser, owner, account, provider, certificates):
    client = browser(owner)
    back = consent(start(client, account), certificates)
    OAuthRequest.objects.update(expires_at=timezone.now())

    assert "Connect again" in said(client.get(back))
    assert not is_connected(account)
    assert provider.token_requests == []


def test_a_state_works_in_its_own_session_alone(
    browser, owner, account, provider, certificates
):
    back = consent(start(browser(owner), account), certificates)
    other = browser(owner)
    start(other, account)

    assert "Connect again" in said(other.get(back))
    assert not is_connected(account)
    assert provider.token_requests == []


def test_a_state_works_for_its_own_user_alone(
    browser, owner, colleague, account, provider, certificates
):
    """A link that somebody else began must not connect my mailbox to his account."""
    back = consent(start(browser(owner), account), certificates)

    assert "Connect again" in said(browser(colleague).get(back))
    assert not is_connected(account)
    assert OAuthRequest.objects.count() == 1


def test_a_colleague_cannot_begin(browser, colleague, account):
    address = reverse("massmail:oauth_start", args=[account.pk])

    assert browser(colleague).post(address).status_code == 404
    assert not OAuthRequest.objects.exists()


def test_a_co_owner_sends_but_does_not_connect(browser, colleague, account):
    EmailAccount.objects.update(co_owner=colleague)
    address = reverse("massmail:oauth_start", args=[account.pk])

    assert browser(colleague).post(address).status_code == 403
    assert not OAuthRequest.objects.exists()


def test_a_right_that_was_lost_at_the_provider_is_lost(
    browser, owner, colleague, account, provider, certificates
):
    client = browser(owner)
    back = consent(start(client, account), certificates)
    EmailAccount.objects.update(owner=colleague)

    assert client.get(back).status_code == 404
    assert not is_connected(account)
    assert provider.token_requests == []


@pytest.mark.parametrize("name", ["oauth_start", "oauth_callback"])
def test_a_stranger_logs_in_first(client, account, name):
    arguments = [account.pk] if name == "oauth_start" else []
    for method in (client.get, client.post):
        response = method(reverse(f"massmail:{name}", args=arguments))
        assert response["Location"].startswith("/login/")
    assert not OAuthRequest.objects.exists()


def test_a_get_begins_nothing(browser, owner, account):
    address = reverse("massmail:oauth_start", args=[account.pk])

    assert browser(owner).get(address).status_code == 405
    assert not OAuthRequest.objects.exists()


def test_another_mailbox_than_the_accounts_is_refused(
    browser, owner, account, provider, certificates
):
    provider.mailbox.address = "boss@example.com"

    response = connect(browser(owner), account, certificates)

    assert "as boss@example.com, but this account is for anna@example.com" in said(
        response
    )
    assert not is_connected(account)


def test_the_address_is_compared_as_a_mailbox(
    browser, owner, account, provider, certificates
):
    provider.mailbox.address = "Anna@EXAMPLE.com"

    connect(browser(owner), account, certificates)

    assert is_connected(account)


def test_an_address_that_changed_meanwhile_is_refused(
    browser, owner, account, provider, certificates
):
    client = browser(owner)
    back = consent(start(client, account), certificates)
    EmailAccount.objects.update(from_email="bob@example.com")

    client.get(back)

    assert not is_connected(account)


def test_an_email_claim_that_the_provider_does_not_vouch_for_is_no_proof(
    browser, owner, account, provider, certificates
):
    """Any tenant can write any address into it."""
    provider.mailbox.address = "mallory@tenant.example.com"
    provider.mailbox.claims = (
        {"email": ADDRESS, "email_verified": False}
        if account.auth == "google"
        else {"email": ADDRESS}
    )

    connect(browser(owner), account, certificates)

    assert not is_connected(account)


def test_an_identity_without_a_login_name_is_nobodys(
    browser, owner, server, provider, certificates
):
    account = account_for(owner, server, "microsoft")
    provider.mailbox.claims = {"preferred_username": None, "email": ADDRESS}

    connect(browser(owner), account, certificates)

    assert not is_connected(account)


def test_an_identity_for_another_site_is_refused(
    browser, owner, server, provider, certificates
):
    account = account_for(owner, server, "microsoft")
    provider.mailbox.claims = {"aud": "another-site"}

    connect(browser(owner), account, certificates)

    assert not is_connected(account)


def test_a_consent_without_sending_is_refused(
    browser, owner, account, provider, certificates
):
    provider.mailbox.scopes = "openid email profile"

    response = connect(browser(owner), account, certificates)

    assert "did not allow this site to send mail" in said(response)
    assert not is_connected(account)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("access_denied", "did not allow it"),
        ("server_error", "did not let you through"),
    ],
)
def test_a_refusal_of_the_provider_is_told_in_words_and_escaped(
    browser, owner, account, provider, certificates, error, words
):
    provider.mailbox.error = error
    provider.mailbox.error_description = "<script>alert(1)</script> no consent"
    client = browser(owner)

    response = connect(client, account, certificates)
    page = client.get(response["Location"]).content.decode()

    assert words in page
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert not is_connected(account)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((500, {}), "does not answer at the moment"),
        ((429, {}), "does not answer at the moment"),
        ((400, {"error": "invalid_grant"}), "does not know this consent any more"),
        ((401, {"error": "invalid_client"}), "refuses this site"),
        ((200, {"odd": 1}), "refuses this site"),
    ],
)
def test_what_the_token_endpoint_refuses_is_told_in_words(
    browser, owner, account, provider, certificates, answer, words
):
    provider.next_answers = [answer]

    response = connect(browser(owner), account, certificates)

    assert words in said(response)
    assert not is_connected(account)


def test_a_provider_that_cannot_be_reached_is_told_in_words(
    browser, owner, account, settings
):
    nowhere = {"CLIENT_ID": "x", "CLIENT_SECRET": "y"} | {
        "AUTHORITY": "https://127.0.0.1:1/tenant",
        "TOKEN_URL": "https://127.0.0.1:1/token",
    }
    settings.MASSMAIL = settings.MASSMAIL | {
        "OAUTH": {"google": nowhere, "microsoft": nowhere}
    }
    client = browser(owner)
    location = start(client, account)
    if account.auth == "google":
        state = parse_qs(urlsplit(location).query)["state"][0]
        address = reverse("massmail:oauth_callback")
        response = client.get(address, {"state": state, "code": "x"})
        location = response["Location"]
        assert "does not answer" in said(response)

    assert location == f"/massmail/emailaccount/{account.pk}/change/"
    assert not is_connected(account)


def test_a_provider_that_this_site_is_not_registered_with(
    browser, owner, account, settings
):
    settings.MASSMAIL = settings.MASSMAIL | {"OAUTH": {}}
    client = browser(owner)

    assert start(client, account).endswith(f"/emailaccount/{account.pk}/change/")
    assert (
        "not registered"
        in client.get(f"/massmail/emailaccount/{account.pk}/change/").content.decode()
    )


def test_connecting_lets_an_account_go_on_that_needed_it(
    browser, owner, account, provider, certificates
):
    stop(account, "needs_reconnecting", detail="x", now=timezone.now())
    assert Alert.objects.open_for(owner).count() == 1

    connect(browser(owner), account, certificates)

    account.refresh_from_db()
    assert account.state == "active"
    assert not Alert.objects.open_for(owner).exists()
    assert AccountEvent.objects.first().by == owner


def test_connecting_does_not_lift_another_stop(
    browser, owner, account, provider, certificates
):
    stop(account, "account_blocked", detail="x", now=timezone.now())

    connect(browser(owner), account, certificates)

    account.refresh_from_db()
    assert (account.state, account.is_connected) == ("stopped", True)


def test_an_account_with_a_password_moves_to_its_provider(
    browser, owner, provider, certificates
):
    account = EmailAccountFactory(owner=owner, from_email=ADDRESS, auth="password")

    connect(browser(owner), account, certificates, provider="microsoft")

    account.refresh_from_db()
    assert account.is_connected
    assert (account.auth, account.email_host) == ("microsoft", "smtp.office365.com")
    assert (account.email_port, account.security) == (587, "starttls")


def test_connecting_brings_an_account_back_to_its_providers_servers(
    browser, owner, account, provider, certificates
):
    EmailAccount.objects.update(email_host="mail.attacker.net")

    connect(browser(owner), account, certificates)

    account.refresh_from_db()
    assert account.is_connected
    assert account.email_host == provider_named(account.auth).email_host


def test_the_address_to_come_back_to_can_be_fixed(browser, owner, account, settings):
    settings.MASSMAIL = settings.MASSMAIL | {
        "STAFF_BASE_URL": "https://crm.example.com/"
    }

    location = start(browser(owner), account)

    assert parse_qs(urlsplit(location).query)["redirect_uri"] == [
        "https://crm.example.com/massmail/oauth/callback/"
    ]
