"""One token for all workers: who renews it, and what happens when he is late."""

from __future__ import annotations

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from unittest import mock

import pytest
from django.db import OperationalError, connections
from django.utils import timezone

from massmail import patience
from massmail.backends.driving import drive
from massmail.credentials import AccessToken, access_token
from massmail.exceptions import ConsentLost, ProviderUnavailable
from massmail.models import EmailAccount
from massmail.models.email_account import EmailAccountQuerySet, new_token
from massmail.tests.oauth.conftest import ADDRESS

WORKERS = 8
PAST = dt.timedelta(hours=-1)


@pytest.fixture
def stale(connected) -> EmailAccount:
    """Its access token has run out."""
    connected.access_token_expires_at = timezone.now() + PAST
    connected.save()
    return connected


def token_of(account: EmailAccount, refused: AccessToken | None = None) -> str:
    found = access_token(account.pk, clock=timezone.now, refused=refused)
    return drive(found).text


@pytest.mark.django_db(transaction=True)
def test_eight_workers_renew_a_rotating_token_once(stale, provider):
    together = threading.Barrier(WORKERS)

    def work(number: int) -> str:
        together.wait()
        try:
            return token_of(stale)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(WORKERS) as pool:
        tokens = set(pool.map(work, range(WORKERS)))

    assert provider.refreshes == 1
    assert provider.reused == 0
    assert tokens == {EmailAccount.objects.get().access_token}


@pytest.mark.django_db(transaction=True)
def test_eight_workers_replace_a_refused_token_once(connected, provider):
    refused = AccessToken(connected.access_token)
    together = threading.Barrier(WORKERS)

    def work(number: int) -> str:
        together.wait()
        try:
            return token_of(connected, refused)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(WORKERS) as pool:
        tokens = set(pool.map(work, range(WORKERS)))

    assert provider.refreshes == 1
    assert provider.reused == 0
    assert len(tokens) == 1
    assert refused.text not in tokens


@pytest.mark.django_db
def test_who_read_an_older_token_gets_no_lease(stale):
    """Between its reading and its UPDATE another worker was done."""
    late = EmailAccount.objects.get()
    assert token_of(stale)

    now = timezone.now()
    assert EmailAccount.objects.lease_tokens(late, until=now, now=now) is None


@pytest.mark.django_db
def test_the_lease_of_a_dead_worker_ends(stale, provider):
    EmailAccount.objects.update(
        token_lease=new_token(), token_lease_until=timezone.now() + PAST
    )

    assert token_of(stale).startswith("access-")
    assert provider.refreshes == 1


@pytest.mark.django_db
def test_a_worker_waits_for_another_no_longer_than_it_has_patience(
    stale, provider, settings
):
    settings.MASSMAIL = settings.MASSMAIL | {"PROVIDER_TIMEOUT": 0.1}
    EmailAccount.objects.update(
        token_lease=new_token(), token_lease_until=timezone.now() - PAST
    )

    with pytest.raises(ProviderUnavailable, match="Another worker"):
        token_of(stale)
    assert provider.refreshes == 0


@pytest.mark.django_db
def test_what_a_late_worker_brings_is_not_kept(stale, provider):
    """The account was reconnected while the provider took its time."""
    provider.gate.clear()
    renewal = access_token(stale.pk, clock=timezone.now)
    next(renewal)
    EmailAccount.objects.store_tokens(
        stale.pk,
        access_token="newest",
        refresh_token="newest refresh",
        access_token_expires_at=timezone.now() - PAST,
    )
    provider.gate.set()

    assert drive(renewal_rest(renewal)).text == "newest"
    assert EmailAccount.objects.get().refresh_token == "newest refresh"


def renewal_rest(renewal):
    """The same conversation; its first step was made already."""
    try:
        while True:
            yield next(renewal)
    except StopIteration as end:
        return end.value


@pytest.mark.django_db
def test_a_worker_that_is_stopped_meanwhile_still_stores_what_comes(stale, provider):
    """A rotating provider has forgotten the old token by then."""
    renewal = access_token(stale.pk, clock=timezone.now)
    provider.gate.clear()
    next(renewal)
    provider.gate.set()
    renewal.close()

    account = EmailAccount.objects.get()
    assert account.refresh_token != stale.refresh_token
    assert account.token_lease is None
    assert token_of(account) == account.access_token
    assert (provider.refreshes, provider.reused) == (1, 0)


def away(times, meanwhile=lambda: None):
    """The database does not answer so many times when new tokens are stored."""
    store, left = EmailAccountQuerySet.store_tokens, [*range(times)]

    def store_tokens(*args, **kwargs):
        if left:
            left.pop()
            meanwhile()
            raise OperationalError("the database is restarting")
        return store(*args, **kwargs)

    return mock.patch.object(EmailAccountQuerySet, "store_tokens", store_tokens)


@pytest.mark.django_db(transaction=True)
def test_new_tokens_are_held_until_the_database_is_back(
    stale, provider, monkeypatch, caplog
):
    """A rotating provider has forgotten the old token by then."""
    monkeypatch.setattr(patience, "RETRY_SECONDS", 0.01)

    with away(times=5):
        renewed = token_of(stale)

    account = EmailAccount.objects.get()
    assert account.access_token == renewed
    assert account.refresh_token != stale.refresh_token
    assert (provider.refreshes, provider.reused) == (1, 0)
    [record] = caplog.records
    assert f"new tokens of account {stale.pk}" in record.getMessage()
    assert account.refresh_token not in caplog.text


@pytest.mark.django_db(transaction=True)
def test_they_are_held_past_the_lease(stale, provider, monkeypatch):
    """Another worker may take the next lease before they are stored."""
    monkeypatch.setattr(patience, "RETRY_SECONDS", 0.01)

    def lease_again():
        EmailAccount.objects.update(
            token_lease=new_token(), token_lease_until=timezone.now() - PAST
        )

    with away(times=1, meanwhile=lease_again):
        renewed = token_of(stale)

    account = EmailAccount.objects.get()
    assert (account.access_token, account.token_lease) == (renewed, None)
    assert account.refresh_token != stale.refresh_token


@pytest.mark.django_db
def test_the_loss_of_tokens_that_were_replaced_meanwhile_is_none(stale, provider):
    """The first worker's new tokens were stored after the second had asked, too."""
    provider.gate.clear()
    provider.next_answers.append((400, {"error": "invalid_grant"}))
    renewal = access_token(stale.pk, clock=timezone.now)
    next(renewal)
    EmailAccount.objects.store_tokens(
        stale.pk,
        access_token="newest",
        access_token_expires_at=timezone.now() - PAST,
    )
    provider.gate.set()

    assert drive(renewal_rest(renewal)).text == "newest"


@pytest.mark.django_db
def test_an_old_copy_of_the_account_does_not_bring_old_tokens_back(stale):
    """A form was saved while a worker renewed them."""
    form_copy = EmailAccount.objects.get()
    renewed = token_of(stale)

    form_copy.name = "renamed"
    form_copy.save()

    account = EmailAccount.objects.get()
    assert (account.name, account.access_token) == ("renamed", renewed)
    assert account.token_version == 1


@pytest.mark.django_db
def test_tokens_that_are_set_are_saved(connected):
    connected.refresh_from_db()
    connected.refresh_token = "given by hand"
    connected.save()

    assert EmailAccount.objects.get().refresh_token == "given by hand"


@pytest.mark.django_db
def test_a_refused_renewal_leaves_the_tokens_and_gives_the_lease_back(stale, provider):
    provider.revoke()

    with pytest.raises(ConsentLost):
        token_of(stale)

    account = EmailAccount.objects.get()
    assert account.refresh_token == stale.refresh_token
    assert account.token_lease is None


@pytest.mark.django_db
def test_no_connection_to_the_provider_stays_open(stale, provider):
    with closing(access_token(stale.pk, clock=timezone.now)) as renewal:
        next(renewal)

    names = {thread.name for thread in threading.enumerate() if thread.is_alive()}
    assert "provider" not in names
    assert stale.from_email == ADDRESS


@pytest.mark.django_db
@pytest.mark.parametrize("seconds", [1, 240, 300])
def test_a_token_of_minutes_is_renewed_once_and_used(stale, provider, seconds):
    """It is never as fresh as we like tokens to be."""
    provider.expires_in = seconds

    token = token_of(stale)

    assert provider.refreshes == 1
    assert token == EmailAccount.objects.get().access_token


@pytest.mark.django_db
def test_a_provider_that_gives_the_refused_token_again_is_asked_once(
    connected, provider, monkeypatch
):
    token = connected.access_token
    monkeypatch.setattr(type(provider), "_new_access", lambda self, address: token)

    assert token_of(connected, AccessToken(token)) == token

    assert provider.refreshes == 1
