"""From an account's row to a connection that can be opened."""

from __future__ import annotations

from common.fields import reveal
from massmail.backends.server import Server, Timeouts
from massmail.backends.smtp import SmtpConnection
from massmail.conf import conf
from massmail.models import EmailAccount


def server_of(account: EmailAccount) -> Server:
    """Raises `DecryptionError` when the stored password cannot be read."""
    return Server(
        host=account.email_host,
        port=account.email_port,
        security=account.security,
        auth=account.auth,
        user=account.email_host_user,
        password=reveal(account.email_host_password),
        ehlo_name=conf.EHLO_NAME,
        allow_private_hosts=conf.ALLOW_PRIVATE_HOSTS,
    )


def timeouts() -> Timeouts:
    return Timeouts(
        connect=conf.CONNECT_TIMEOUT,
        command=conf.COMMAND_TIMEOUT,
        final_dot=conf.FINAL_DOT_TIMEOUT,
    )


def new_connection(account: EmailAccount) -> SmtpConnection:
    """Not yet open; raises `DecryptionError`."""
    return SmtpConnection(server_of(account), timeouts())
