"""From an account's row to an open connection, with a token where one is needed."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from functools import partial

from django.db import Error as DatabaseError

from common.fields import DecryptionError, reveal
from massmail.backends.authentication import Authenticator
from massmail.backends.causes import Cause
from massmail.backends.oauth2 import provider_named
from massmail.backends.phases import Phase, SmtpFailure, Wait
from massmail.backends.server import Server, Timeouts
from massmail.backends.smtp import SmtpConnection
from massmail.conf import conf
from massmail.credentials import AccessToken, Clock, access_token
from massmail.exceptions import ConsentLost, ProviderError, ProviderUnavailable
from massmail.models import EmailAccount
from massmail.models.address import Address, InvalidAddress
from massmail.sending.outcomes import classify

PASSWORD = EmailAccount.PASSWORD


def open_connection(
    account: EmailAccount, clock: Clock
) -> Generator[Wait, None, SmtpConnection]:
    """An open connection; raises SmtpFailure, also for what a provider refused.

    A refused token is renewed once: it may have been withdrawn before its time. A
    second refusal means the mailbox. No other server than the provider's sees one.
    """
    provider = provider_named(account.auth)
    if provider is None:
        return (yield from opened(account))
    if not provider.serves(account.email_host):
        words = f"{account.email_host} is no server of {provider}"
        raise SmtpFailure(Phase.AUTH, None, Cause.LOGIN_IMPOSSIBLE.says(words))
    token = yield from token_of(account, clock)
    try:
        return (yield from opened(account, token))
    except SmtpFailure as failure:
        outcome = classify(failure.phase, failure.reply, detail=failure.detail)
        if not outcome.needs_token_refresh:
            raise
    token = yield from token_of(account, clock, refused=token)
    return (yield from opened(account, token))


def opened(
    account: EmailAccount, token: AccessToken | None = None
) -> Generator[Wait, None, SmtpConnection]:
    connection = new_connection(account, token)
    yield from connection.open()
    try:
        remember_limit(account, size_limit(connection.features))
    except DatabaseError:
        connection.close()
        raise
    return connection


def size_limit(features: Mapping[str, str]) -> int | None:
    """How many bytes the server takes (RFC 1870); None: not told, or any number."""
    told = features.get("SIZE", "")
    is_number = told.isascii() and told.isdecimal() and len(told) <= 18
    # 0: without a fixed limit (RFC 1870 §4).
    return (int(told) or None) if is_number else None


def remember_limit(account: EmailAccount, limit: int | None) -> None:
    """For the preflight of the next message; servers hardly ever change it."""
    if account.max_message_bytes == limit:
        return
    account.max_message_bytes = limit
    if account.pk is not None:
        EmailAccount.objects.filter(pk=account.pk).update(max_message_bytes=limit)


def new_connection(
    account: EmailAccount, token: AccessToken | None = None
) -> SmtpConnection:
    """Not yet open; raises SmtpFailure when what it needs cannot be read."""
    try:
        return SmtpConnection(server_of(account, token), timeouts())
    except DecryptionError as error:
        detail = Cause.SECRET_UNREADABLE.says(error)
        raise SmtpFailure(Phase.AUTH, None, detail) from error
    except InvalidAddress as error:
        detail = Cause.SENDER_INVALID.says(error)
        raise SmtpFailure(Phase.AUTH, None, detail) from error


def server_of(account: EmailAccount, token: AccessToken | None = None) -> Server:
    """Raises `DecryptionError` for a password of another key, if it is needed."""
    by_password = account.auth == PASSWORD
    return Server(
        host=account.email_host,
        port=account.email_port,
        security=account.security,
        auth=account.auth,
        user=account.email_host_user,
        password=reveal(account.email_host_password) if by_password else "",
        ehlo_name=conf.EHLO_NAME,
        allow_private_hosts=conf.ALLOW_PRIVATE_HOSTS,
        authenticator=authenticator_of(account, token),
    )


def authenticator_of(
    account: EmailAccount, token: AccessToken | None
) -> Callable[[], Authenticator] | None:
    """The mailbox that consented is the account's address: it is the user's name."""
    provider = provider_named(account.auth)
    if provider is None or token is None:
        return None
    mailbox = Address.parse(account.from_email).wire
    return partial(provider.authenticator, mailbox, token.text)


def timeouts() -> Timeouts:
    return Timeouts(
        connect=conf.CONNECT_TIMEOUT,
        command=conf.COMMAND_TIMEOUT,
        final_dot=conf.FINAL_DOT_TIMEOUT,
    )


def token_of(
    account: EmailAccount, clock: Clock, refused: AccessToken | None = None
) -> Generator[Wait, None, AccessToken]:
    """The account's token; what prevents it is a failure of the login."""
    try:
        return (yield from access_token(account.pk, clock=clock, refused=refused))
    except DecryptionError as error:
        detail = Cause.SECRET_UNREADABLE.says(error)
        raise SmtpFailure(Phase.AUTH, None, detail) from error
    except ProviderError as error:
        raise SmtpFailure(Phase.AUTH, None, cause_of(error).says(error)) from error


def cause_of(error: ProviderError) -> Cause:
    if isinstance(error, ConsentLost):
        return Cause.NEEDS_RECONNECTING
    if isinstance(error, ProviderUnavailable):
        return Cause.PROVIDER_UNAVAILABLE
    return Cause.PROVIDER_REFUSED
