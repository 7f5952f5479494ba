"""Mailboxes of providers: the login by OAuth2 that sending uses, too."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
from django.utils import timezone

from massmail.models import Mailbox
from massmail.orchestrator.polling import poll_mailbox
from massmail.tests.identity_provider import IdentityProvider
from massmail.tests.imap_server import ImapServer
from massmail.tests.mailboxes.conftest import account_at

ADDRESS = "anna@example.com"


@pytest.fixture
def server() -> Iterator[ImapServer]:
    with ImapServer(mechanisms=("XOAUTH2",)) as server:
        yield server


@pytest.fixture
def provider(certificates, trusted, server, set_massmail) -> Iterator[IdentityProvider]:
    with IdentityProvider(
        certificates=certificates, on_access_token=server.tokens.__setitem__
    ) as provider:
        set_massmail(OAUTH=provider.registrations)
        yield provider


@pytest.fixture(params=["google", "microsoft"])
def account(request, db, server, provider, receiver):
    access, refresh = provider.issue(ADDRESS)
    return account_at(
        server,
        auth=request.param,
        from_email=ADDRESS,
        email_host_user="",
        email_host_password="",
        access_token=access,
        refresh_token=refresh,
        access_token_expires_at=timezone.now() + dt.timedelta(hours=1),
    )


def test_a_good_token_logs_in(account, provider):
    assert poll_mailbox(account.pk).state == "read"
    assert provider.refreshes == 0


def test_a_token_that_ends_soon_is_renewed_before(account, provider):
    account.access_token_expires_at = timezone.now() + dt.timedelta(minutes=1)
    account.save()

    assert poll_mailbox(account.pk).state == "read"
    assert provider.refreshes == 1


def test_a_refused_token_is_renewed_once(account, provider, server):
    server.tokens[ADDRESS] = "another"

    assert poll_mailbox(account.pk).state == "read"
    assert provider.refreshes == 1


def test_a_second_refusal_means_the_mailbox(account, provider, server, monkeypatch):
    server.tokens.clear()
    provider._on_access_token = lambda mailbox, token: None

    poll = poll_mailbox(account.pk)

    assert (poll.reason, poll.next_at) == ("login_refused", None)
    assert provider.refreshes == 1


def test_without_consent_the_owner_must_connect_again(account, provider):
    provider.revoke()
    account.access_token_expires_at = timezone.now()
    account.save()

    poll = poll_mailbox(account.pk)

    assert (poll.reason, poll.next_at) == ("needs_reconnecting", None)


def test_a_provider_that_is_away_is_asked_again_later(account, provider):
    account.access_token_expires_at = timezone.now()
    account.save()
    provider.next_answers.append((503, {"error": "temporarily_unavailable"}))

    poll = poll_mailbox(account.pk)

    assert poll.reason == "provider_unavailable"
    assert poll.next_at is not None


def test_no_other_server_than_the_providers_sees_a_token(account, server):
    account.imap_host = "imap.elsewhere.example"
    account.save()

    assert poll_mailbox(account.pk).reason == "login_impossible"
    assert server.connections == 0


def test_no_token_is_stored_where_it_could_be_read(account, provider, server):
    server.tokens.clear()
    provider._on_access_token = lambda mailbox, token: None

    poll_mailbox(account.pk)

    account.refresh_from_db()
    row = Mailbox.objects.get()
    assert account.access_token not in row.last_error
