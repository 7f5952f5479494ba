"""From an account to its open mailbox, with the login that sending uses, too."""

from __future__ import annotations

from collections.abc import Callable

from common.fields import DecryptionError, reveal
from massmail.backends.authentication import PasswordAuthenticator
from massmail.backends.causes import Cause
from massmail.backends.driving import drive
from massmail.backends.imap import Credentials, ImapServer, ImapSession, open_session
from massmail.backends.imap_failures import ImapFailure, ImapReason
from massmail.backends.oauth2 import provider_named
from massmail.backends.oauth2.base import Provider
from massmail.backends.phases import SmtpFailure
from massmail.conf import conf
from massmail.credentials import AccessToken, Clock
from massmail.inbound.mailbox import Mailbox
from massmail.models import EmailAccount
from massmail.models.address import Address, InvalidAddress
from massmail.sending.connections import token_of


def open_mailbox(
    account: EmailAccount, *, clock: Clock, go_on: Callable[[], None]
) -> Mailbox:
    """Raises `ImapFailure`. `go_on` is called before a second try.

    A refused token is renewed once: it may have been withdrawn before its time.
    """
    return Mailbox(logged_in(account, clock, go_on), step_seconds=conf.COMMAND_TIMEOUT)


def logged_in(
    account: EmailAccount, clock: Clock, go_on: Callable[[], None]
) -> ImapSession:
    provider = provider_named(account.auth)
    if provider is None:
        return connected(account, password_of(account))
    if not provider.serves(account.imap_host):
        words = f"{account.imap_host} is no server of {provider}"
        raise ImapFailure(Cause.LOGIN_IMPOSSIBLE, words)
    token = fresh_token(account, clock)
    try:
        return connected(account, token_login(account, provider, token))
    except ImapFailure as failure:
        if failure.reason != ImapReason.LOGIN_REFUSED:
            raise
    go_on()
    token = fresh_token(account, clock, refused=token)
    return connected(account, token_login(account, provider, token))


def connected(account: EmailAccount, credentials: Credentials) -> ImapSession:
    """All together within the time for a connection and for one command."""
    server = ImapServer(
        account.imap_host,
        account.imap_port,
        account.security,
        allow_private_hosts=conf.ALLOW_PRIVATE_HOSTS,
    )
    seconds = conf.CONNECT_TIMEOUT + conf.COMMAND_TIMEOUT
    return open_session(server, credentials, seconds=seconds)


def password_of(account: EmailAccount) -> Credentials:
    """A server that takes mail without a login does not show a mailbox without one."""
    user = account.email_host_user
    try:
        password = reveal(account.email_host_password)
        authenticator = PasswordAuthenticator(user, password)
    except DecryptionError as error:
        raise ImapFailure(Cause.SECRET_UNREADABLE, error) from error
    except ValueError as error:
        raise ImapFailure(Cause.LOGIN_IMPOSSIBLE, error) from error
    if not (user and password):
        raise ImapFailure(Cause.LOGIN_IMPOSSIBLE)
    return Credentials(authenticator, user, password)


def token_login(
    account: EmailAccount, provider: Provider, token: AccessToken
) -> Credentials:
    """The mailbox that consented is the account's address: it is the user's name."""
    try:
        mailbox = Address.parse(account.from_email).wire
    except InvalidAddress as error:
        raise ImapFailure(Cause.SENDER_INVALID, error) from error
    return Credentials(provider.authenticator(mailbox, token.text))


def fresh_token(
    account: EmailAccount, clock: Clock, refused: AccessToken | None = None
) -> AccessToken:
    try:
        return drive(token_of(account, clock, refused))
    except SmtpFailure as failure:
        raise ImapFailure.of_detail(failure.detail) from failure
