"""The test server's side of PLAIN, LOGIN and XOAUTH2."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Login:
    """Who may log in; `challenge` sends words to the client and returns its line."""

    credentials: Mapping[str, str]
    tokens: Mapping[str, str]
    challenge: Callable[[str], str]

    def check(self, mechanism: str, initial: str | None = None) -> str | None:
        """The user that logged in, or None."""
        if mechanism == "LOGIN":
            return self._login()
        given = self.challenge("") if initial is None else initial
        return self._plain(given) if mechanism == "PLAIN" else self._xoauth2(given)

    def _plain(self, given: str) -> str | None:
        _, user, password = base64.b64decode(given).decode().split("\0")
        return self._known(user, password)

    def _login(self) -> str | None:
        user = base64.b64decode(self.challenge("Username:")).decode()
        password = base64.b64decode(self.challenge("Password:")).decode()
        return self._known(user, password)

    def _xoauth2(self, given: str) -> str | None:
        """As in Google's "XOAUTH2 protocol": an error is a challenge before the 535."""
        user, token = base64.b64decode(given).decode().split("\1")[:2]
        user = user.removeprefix("user=")
        if token == f"auth=Bearer {self.tokens.get(user)}":
            return user
        self.challenge('{"status":"401","schemes":"bearer"}')
        return None

    def _known(self, user: str, password: str) -> str | None:
        return user if self.credentials.get(user) == password else None
