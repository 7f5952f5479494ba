"""Where an account's mail is handed over: address, protection, login, patience."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from massmail.backends.authentication import Authenticator, PasswordAuthenticator

NO_SECURITY, STARTTLS, TLS = "none", "starttls", "tls"
NO_AUTH = "none"

_EHLO_NAME = re.compile(r"[!-~]{1,255}")


def is_ehlo_name(text: str) -> bool:
    """Blank stands for the literal of the connection's own address."""
    return not text or bool(_EHLO_NAME.fullmatch(text))


@dataclass(frozen=True, slots=True)
class Server:
    """The settings of one account; its `repr` shows no secret.

    `auth` is "none", "password" or the name of another login method; any other than
    "password" needs an `authenticator`, which is called at each login. `ehlo_name` is
    a host name or an address literal; when blank, the literal of the local socket end.
    """

    host: str
    port: int
    security: str = STARTTLS
    auth: str = NO_AUTH
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    ehlo_name: str = ""
    allow_private_hosts: bool = False
    authenticator: Callable[[], Authenticator] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.security not in (NO_SECURITY, STARTTLS, TLS):
            raise ValueError(f"Unknown security {self.security!r}.")
        if not is_ehlo_name(self.ehlo_name):
            raise ValueError("The EHLO name must be one printable ASCII word.")

    @property
    def needs_login(self) -> bool:
        return self.auth != NO_AUTH

    def make_authenticator(self) -> Authenticator:
        """Raises ValueError when the login method has no authenticator."""
        if self.authenticator is not None:
            return self.authenticator()
        if self.auth != "password":
            raise ValueError(f"The login method {self.auth!r} has no authenticator.")
        return PasswordAuthenticator(self.user, self.password)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait, in seconds.

    `connect` covers name resolution and all addresses; `command` each answer, the TLS
    handshake and, with an allowance for slow lines, the content; `final_dot` the answer
    to the final dot (RFC 5321 section 4.5.3.2.6 asks for ten minutes).
    """

    connect: float = 30.0
    command: float = 60.0
    final_dot: float = 600.0
