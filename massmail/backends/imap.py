"""From a server's name to a logged-in IMAP session, as safe as one that sends.

Only addresses that were checked are connected to, certificates are verified, and no
password leaves without encryption, except to this machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from imaplib import IMAP4
from typing import Any

from imapclient import IMAPClient
from imapclient.exceptions import LoginError

from massmail.backends.authentication import Authenticator
from massmail.backends.causes import Cause
from massmail.backends.channel import Channel
from massmail.backends.driving import drive
from massmail.backends.hosts import ascii_host, connect, is_loopback
from massmail.backends.imap_failures import (
    ImapFailure,
    refused_login,
    translated,
    words_of,
)
from massmail.backends.imap_line import ImapDialogue, ImapLine
from massmail.backends.opening import default_ssl_context
from massmail.backends.server import NO_SECURITY, STARTTLS, TLS

TLS_PORT, STARTTLS_PORT = 993, 143
# How long a goodbye may take.
LOGOUT_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class ImapServer:
    """Where a mailbox is. `security` is the account's choice for sending."""

    host: str
    port: int
    security: str
    allow_private_hosts: bool = False

    def protection(self, peer_host: str) -> str:
        """By the port, where it says so; an open line leads to this machine alone."""
        if self.port == TLS_PORT:
            return TLS
        if self.security == NO_SECURITY:
            return NO_SECURITY if is_loopback(peer_host) else STARTTLS
        return STARTTLS if self.port == STARTTLS_PORT else self.security


@dataclass(frozen=True, slots=True)
class Credentials:
    """A login by any of an authenticator's mechanisms, or by the LOGIN command."""

    authenticator: Authenticator
    user: str = ""
    password: str = ""

    def redacted(self, words: str) -> str:
        """Without secrets that the server repeats: its words are stored and shown."""
        for secret in filter(None, self.authenticator.secrets):
            words = words.replace(secret, "***")
        return words


class ImapSession(IMAPClient):
    """imapclient over our own line: without its time-outs, and without its log."""

    def __init__(self, line: ImapLine, host_name: str) -> None:
        self.line = line
        super().__init__(host_name, port=TLS_PORT, ssl=False)
        # It would write each line of a conversation to a log, mails included.
        self._imap.debug = 0
        # Names of folders stay as the server spells them.
        self.folder_encode = False

    def _create_IMAP4(self) -> ImapDialogue:
        return ImapDialogue(self.line, self.host)

    def _set_read_timeout(self) -> None:
        """The line has limits of its own."""

    @property
    def is_logged_in(self) -> bool:
        return self._imap.state != "NONAUTH"

    def end(self) -> None:
        """Say goodbye if the server listens; never raises."""
        self.line.allow(LOGOUT_SECONDS)
        try:
            with translated():
                self.logout()
        except ImapFailure:
            pass
        finally:
            self.line.close()


def open_session(
    server: ImapServer, credentials: Credentials, *, seconds: float
) -> ImapSession:
    """Connect, encrypt, log in, all within `seconds`; raises `ImapFailure`."""
    deadline = time.monotonic() + seconds
    with translated():
        connecting = connect(
            server.host,
            server.port,
            deadline,
            allow_private=server.allow_private_hosts,
        )
        line = ImapLine(Channel(drive(connecting)), deadline)
    try:
        return _logged_in(line, server, credentials)
    except BaseException:
        line.close()
        raise


def _logged_in(
    line: ImapLine, server: ImapServer, credentials: Credentials
) -> ImapSession:
    with translated():
        host_name = ascii_host(server.host)
        protection = server.protection(line.peer_host)
        if protection == TLS:
            line.start_tls(default_ssl_context(), host_name)
        session = ImapSession(line, host_name)
        if session.is_logged_in:
            # Nobody has asked for it; before STARTTLS it is a way around it.
            raise ImapFailure(Cause.PROTOCOL_ERROR, "PREAUTH")
        if protection == STARTTLS:
            if not session.has_capability("STARTTLS"):
                raise ImapFailure(Cause.STARTTLS_MISSING)
            session.starttls(default_ssl_context())
        log_in(session, credentials)
    return session


def log_in(session: ImapSession, credentials: Credentials) -> None:
    if not (session.line.is_private or is_loopback(session.line.peer_host)):
        raise ImapFailure(Cause.LOGIN_IN_CLEAR)
    try:
        with translated():
            _answered_login(session, credentials)
    except ImapFailure as failure:
        # A server may repeat what it was told in its goodbye as well.
        words = credentials.redacted(failure.words)
        raise ImapFailure(failure.reason, words) from None


def _answered_login(session: ImapSession, credentials: Credentials) -> None:
    try:
        _login_method(session, credentials)()
    except LoginError as error:
        # It stands for all that went wrong, a broken line included.
        if isinstance(error.__context__, IMAP4.abort):
            raise error.__context__ from None
        raise refused_login(words_of(error.__context__ or error)) from None


def _login_method(
    session: ImapSession, credentials: Credentials
) -> Callable[[], object]:
    for name in credentials.authenticator.mechanisms:
        if session.has_capability(f"AUTH={name}"):
            answers = sasl_answers(credentials.authenticator, name)
            return lambda: session.sasl_login(name, answers)
    user, password = credentials.user, credentials.password
    if not password or session.has_capability("LOGINDISABLED"):
        raise ImapFailure(Cause.LOGIN_NOT_OFFERED)
    if not all(" " <= char <= "~" for char in user + password):
        raise ImapFailure(Cause.LOGIN_IMPOSSIBLE, "LOGIN takes printable ASCII alone.")
    # imaplib quotes the password, and not the name.
    return lambda: session.login(quoted(user), password)


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def sasl_answers(
    authenticator: Authenticator, mechanism: str
) -> Callable[[bytes], bytes | None]:
    """The authenticator's responses, as imaplib asks for them: one per challenge.

    The server's first challenge is empty where the client begins.
    """
    responses = authenticator.responses(mechanism)
    first: Any = next(responses)
    pending = [] if first is None else [first]

    def answer(challenge: bytes) -> bytes | None:
        if pending:
            return pending.pop()
        try:
            return responses.send(challenge)
        except StopIteration:
            return None

    return answer
