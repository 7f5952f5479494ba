"""Login methods (RFC 4954): a conversation of responses for one mechanism."""

from __future__ import annotations

import base64
from collections.abc import Generator
from typing import Protocol


class Authenticator(Protocol):
    """What a login method implements; a new one needs nothing else.

    XOAUTH2, for instance, yields its token line first, then b"" to every challenge:
    the server's challenge is an error that must be answered before it says 535.
    """

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """SASL names in upper case; the first that the server offers is tried."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown, even if the server repeats it."""

    def responses(self, mechanism: str) -> Generator[bytes | None, bytes, None]:
        """Yield the initial response (None: there is none), then one per challenge.

        Responses and challenges are plain bytes; base64 is done elsewhere. Returning
        early cancels the login.
        """


class PasswordAuthenticator:
    """User name and password by PLAIN (RFC 4616) or LOGIN."""

    mechanisms = ("PLAIN", "LOGIN")

    def __init__(self, user: str, password: str) -> None:
        if "\0" in user + password:
            raise ValueError("A user name or password must not contain NUL.")
        self._user = user.encode()
        self._password = password.encode()

    @property
    def secrets(self) -> tuple[str, ...]:
        plain = b"\0".join((b"", self._user, self._password))
        encoded = (base64.b64encode(part).decode() for part in (self._password, plain))
        return (self._password.decode(), *encoded)

    def responses(self, mechanism: str) -> Generator[bytes | None, bytes, None]:
        if mechanism == "PLAIN":
            yield b"\0".join((b"", self._user, self._password))
            return
        # The challenges' words vary between servers, their order does not.
        yield None
        yield self._user
        yield self._password


class XOAuth2Authenticator:
    """A mailbox and its access token (Google's and Microsoft's XOAUTH2).

    A refused token comes as a challenge whose text is the error; the server says 535
    only after an empty answer to it.
    """

    mechanisms = ("XOAUTH2",)

    def __init__(self, mailbox: str, access_token: str) -> None:
        if {"\1", "\0"} & set(mailbox + access_token):
            raise ValueError("A mailbox or token must not contain control characters.")
        self._line = f"user={mailbox}\1auth=Bearer {access_token}\1\1".encode()
        self._token = access_token

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self._token, base64.b64encode(self._line).decode())

    def responses(self, mechanism: str) -> Generator[bytes | None, bytes, None]:
        yield self._line
        while True:
            yield b""
