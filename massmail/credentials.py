"""The access token of a mailbox, shared by all workers through the account's row.

Only one worker at a time asks the provider: the lease is one conditional UPDATE, no
transaction spans the call, and new tokens are stored before anybody uses them.
"""

from __future__ import annotations

import datetime as dt
import selectors
import socket
import threading
import time
import uuid
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from common.fields import reveal
from massmail.backends.oauth2 import provider_named
from massmail.backends.oauth2.base import Provider, Tokens
from massmail.backends.phases import Wait
from massmail.conf import conf
from massmail.exceptions import (
    ConsentLost,
    ProviderError,
    ProviderRefused,
    ProviderUnavailable,
)
from massmail.models import EmailAccount
from massmail.patience import patiently

Result = TypeVar("Result")
Clock = Callable[[], dt.datetime]

# A token that ends sooner is renewed before it is used.
LEAST_LIFETIME = dt.timedelta(minutes=5)
POLL_SECONDS = 0.1
# How long to wait for another worker's call, in time-outs of one.
PATIENCE = 2.0
# How long new tokens are held in memory for a database that is away, in seconds: with
# a provider that rotates them there is no second copy.
STORE_PATIENCE = 3600.0


@dataclass(frozen=True, slots=True)
class AccessToken:
    """Good for a login now; its `repr` shows nothing."""

    text: str = field(repr=False)


def access_token(
    account_id: int, *, clock: Clock, refused: AccessToken | None = None
) -> Generator[Wait, None, AccessToken]:
    """The account's token, renewed when less than five minutes are left.

    `refused` is one that the server did not take: if it still is the account's, it
    is renewed. Raises ProviderError, and DecryptionError for a wrong key.
    """
    deadline = time.monotonic() + PATIENCE * conf.PROVIDER_TIMEOUT
    is_new = False
    while True:
        account, provider = found_account(account_id)
        if is_good(account, clock(), refused) or (is_new and account.access_token):
            return AccessToken(reveal(account.access_token))
        if not account.refresh_token:
            raise ConsentLost("not_connected")
        lease_until = clock() + dt.timedelta(seconds=conf.LEASE_SECONDS)
        lease = EmailAccount.objects.lease_tokens(
            account, until=lease_until, now=clock()
        )
        if lease is not None:
            yield from renewed(account, provider, lease, clock)
            # As good as it gets: some live for less than five minutes, and some
            # providers give the same one again.
            is_new = True
        elif time.monotonic() > deadline:
            raise ProviderUnavailable("busy", "Another worker waits for the provider.")
        else:
            yield from pause(POLL_SECONDS)


def renewed(
    account: EmailAccount, provider: Provider, lease: uuid.UUID, clock: Clock
) -> Generator[Wait, None, None]:
    """The provider's no to a token that was replaced meanwhile means nothing."""
    try:
        yield from Renewal(account, provider, lease, clock).run()
    except ConsentLost:
        rows = EmailAccount.objects.filter(pk=account.pk)
        if rows.filter(token_version=account.token_version).exists():
            raise


def found_account(account_id: int) -> tuple[EmailAccount, Provider]:
    account = EmailAccount.objects.filter(pk=account_id).first()
    provider = provider_named(account.auth) if account else None
    if account is None or provider is None:
        raise ProviderRefused("unknown_provider", account.auth if account else "")
    return account, provider


def is_good(
    account: EmailAccount, now: dt.datetime, refused: AccessToken | None
) -> bool:
    expires_at = account.access_token_expires_at
    if not account.access_token or expires_at is None:
        return False
    is_refused = refused is not None and refused.text == account.access_token
    return not is_refused and expires_at > now + LEAST_LIFETIME


def stored_form(tokens: Tokens, provider: Provider, now: dt.datetime) -> dict[str, Any]:
    """The fields of the account that hold the tokens."""
    lifetime = tokens.refresh_token_expires_in
    if lifetime is None:
        lifetime = provider.refresh_token_days * 86_400
    fields: dict[str, object] = {
        "access_token": tokens.access_token,
        "access_token_expires_at": now + dt.timedelta(seconds=tokens.expires_in),
        "refresh_token_expires_at": now + dt.timedelta(seconds=lifetime),
    }
    if tokens.refresh_token:
        fields["refresh_token"] = tokens.refresh_token
    return fields


class Renewal:
    """One call to the provider under a lease."""

    def __init__(
        self, account: EmailAccount, provider: Provider, lease: uuid.UUID, clock: Clock
    ) -> None:
        self._account = account
        self._provider = provider
        self._lease = lease
        self._clock = clock

    def run(self) -> Generator[Wait, None, None]:
        """Store what came, even if the caller was stopped meanwhile.

        A provider that rotates its tokens has already forgotten the old one. When
        somebody else has stored newer tokens, these are not kept.
        """
        asked_at = self._clock()
        try:
            call = Background(self._ask)
        except ProviderUnavailable:
            self._give_up()
            raise
        try:
            yield from call.wait()
        finally:
            error = self._conclude(call, asked_at)
        if error is not None:
            raise error

    def _conclude(
        self, call: Background[Tokens], asked_at: dt.datetime
    ) -> Exception | None:
        try:
            tokens = call.result()
        except Exception as error:
            # It is raised where the caller still listens.
            self._give_up()
            return error
        self._store(stored_form(tokens, self._provider, asked_at))
        return None

    def _store(self, fields: dict[str, object]) -> None:
        """However long the database is away, even past the lease."""
        pk, version = self._account.pk, self._account.token_version
        patiently(
            lambda: EmailAccount.objects.store_tokens(pk, after=version, **fields),
            what=f"new tokens of account {pk}, which are not stored yet",
            seconds=STORE_PATIENCE,
        )

    def _give_up(self) -> None:
        EmailAccount.objects.return_tokens(self._account.pk, self._lease)

    def _ask(self) -> Tokens:
        """Its words are stored and shown: a token that they repeat is not."""
        token = reveal(self._account.refresh_token)
        try:
            return self._provider.refresh(token)
        except ProviderError as error:
            words = error.words.replace(token, "***")
            raise type(error)(error.code, words) from None


class Background(Generic[Result]):
    """A blocking call in a thread of its own, so that a run's other lanes go on."""

    def __init__(self, call: Callable[[], Result]) -> None:
        self._call = call
        self._answer: Result | None = None
        self._error: Exception | None = None
        self._waiting, self._working = socket.socketpair()
        self._thread = threading.Thread(target=self._work, daemon=True, name="provider")
        try:
            self._thread.start()
        except RuntimeError as error:
            self._waiting.close()
            self._working.close()
            raise ProviderUnavailable("no_thread", str(error)) from error

    def wait(self) -> Generator[Wait, None, None]:
        """Until the call is over; its own time-outs bound it."""
        while self._thread.is_alive():
            soon = time.monotonic() + conf.PROVIDER_TIMEOUT
            try:
                yield Wait(self._waiting, selectors.EVENT_READ, soon)
            except TimeoutError:
                hurry(soon)
                continue
            # The socket closes a moment before the thread is gone.
            self._thread.join()

    def result(self) -> Result:
        """The call's answer or its exception; waits for it where `wait` was cut off."""
        self._thread.join()
        self._waiting.close()
        if self._error is not None:
            raise self._error
        return self._answer  # type: ignore[return-value]

    def _work(self) -> None:
        with self._working:
            try:
                self._answer = self._call()
            except Exception as error:
                # Carried to the thread that asked, which knows what it means.
                self._error = error


def pause(seconds: float) -> Generator[Wait, None, None]:
    """Wait in a way that every driver of a conversation understands."""
    left, right = socket.socketpair()
    until = time.monotonic() + seconds
    with left, right:
        try:
            yield Wait(left, selectors.EVENT_READ, until)
        except TimeoutError:
            hurry(until)


def hurry(deadline: float) -> None:
    """Raises ProviderUnavailable when the driver gave up before the deadline."""
    if time.monotonic() < deadline:
        raise ProviderUnavailable("timed_out")
