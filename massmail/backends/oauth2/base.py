"""What a provider implements to let a mailbox be used by OAuth2; it knows no model.

Only this package speaks to providers. Its words are translated here: an error code
becomes an exception that carries the decision (`exceptions.ProviderError`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from massmail.backends.authentication import XOAuth2Authenticator
from massmail.backends.hosts import is_private, plain_name
from massmail.backends.phases import printable
from massmail.conf import conf
from massmail.exceptions import (
    ConsentLost,
    ProviderError,
    ProviderRefused,
    ProviderUnavailable,
)

# RFC 6749 section 5.2, OpenID Connect Core section 3.1.2.6: a person has to consent.
CONSENT_CODES = frozenset(
    {
        "account_selection_required",
        "consent_required",
        "interaction_required",
        "invalid_grant",
        "login_required",
    }
)
# What an access token lives where the provider does not say; a bound for what it says.
USUAL_SECONDS, MAX_SECONDS = 3600.0, 1e9
PASSING_CODES = frozenset({"server_error", "slow_down", "temporarily_unavailable"})


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the provider gave; seconds count from now.

    A blank `refresh_token` leaves the one in use valid.
    """

    access_token: str = field(repr=False)
    expires_in: float
    refresh_token: str = field(default="", repr=False)
    refresh_token_expires_in: float | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """A person's consent: for which mailbox (its addresses), and to what."""

    tokens: Tokens
    mailboxes: frozenset[str]
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Consent:
    """What belongs to one authorisation request (RFC 6749, RFC 7636)."""

    redirect_uri: str
    state: str = field(repr=False)
    code_verifier: str = field(repr=False)
    code_challenge: str
    mailbox: str


class Provider:
    """Subclass implementation: the attributes and the three methods below.

    Methods block; each raises `ProviderUnavailable` for what passes, `ConsentLost`
    when the person has to consent anew, `ProviderRefused` for everything else.
    """

    # The value of `EmailAccount.auth`, and the word in OAUTH_<NAME>_CLIENT_ID.
    name: ClassVar[str]
    label: ClassVar[str]
    email_host: ClassVar[str]
    email_port: ClassVar[int] = 587
    security: ClassVar[str] = "starttls"
    imap_host: ClassVar[str] = ""
    imap_port: ClassVar[int] = 993
    # Its servers besides these two.
    more_hosts: ClassVar[frozenset[str]] = frozenset()
    # What sending cannot do without.
    required_scopes: ClassVar[frozenset[str]]
    # How long a refresh token lives that is not used.
    refresh_token_days: ClassVar[int]
    # Deployment settings besides CLIENT_ID and CLIENT_SECRET, with their defaults.
    defaults: ClassVar[Mapping[str, str]] = {}

    def authorization_url(self, consent: Consent) -> str:
        """Where the person consents."""
        raise NotImplementedError("subclass implementation: authorization_url()")

    def exchange(self, code: str, consent: Consent) -> Grant:
        """Turn the code that the person brought back into tokens."""
        raise NotImplementedError("subclass implementation: exchange()")

    def refresh(self, refresh_token: str) -> Tokens:
        """A new access token."""
        raise NotImplementedError("subclass implementation: refresh()")

    # Subclasses should not need to override what follows.

    def __str__(self) -> str:
        return self.label

    def setting(self, name: str) -> str:
        given = conf.OAUTH.get(self.name, {})
        return given.get(name) or self.defaults.get(name, "")

    @property
    def is_configured(self) -> bool:
        return bool(self.setting("CLIENT_ID"))

    def serves(self, host: str) -> bool:
        """Whether a token may be shown to this server.

        One on this machine or in its network is a deployment's own, where it allows
        such at all.
        """
        hosts = {self.email_host, self.imap_host, *self.more_hosts} - {""}
        if not hosts or plain_name(host) in hosts:
            return True
        return conf.ALLOW_PRIVATE_HOSTS and is_private(host)

    def missing_scopes(self, grant: Grant) -> frozenset[str]:
        """Providers write scopes in the case that they like."""
        granted = {scope.lower() for scope in grant.scopes}
        return frozenset(
            scope for scope in self.required_scopes if scope.lower() not in granted
        )

    def authenticator(self, mailbox: str, access_token: str) -> XOAuth2Authenticator:
        return XOAuth2Authenticator(mailbox, access_token)


def refusal(code: str, words: str) -> ProviderError:
    """The exception for a provider's error code and its description."""
    if code in CONSENT_CODES:
        return ConsentLost(code, words)
    if code in PASSING_CODES:
        return ProviderUnavailable(code, words)
    return ProviderRefused(code or "unknown", words)


def refusal_in(answer: Mapping[str, Any]) -> ProviderError:
    """The exception for an answer that does not hold what was asked for."""
    code, words = answer.get("error"), answer.get("error_description")
    return refusal(str(code or ""), printable(str(words or "")))


def tokens_of(answer: Mapping[str, Any]) -> Tokens:
    """From the answer of a token endpoint (RFC 6749 section 5.1)."""
    if not answer.get("access_token"):
        raise refusal_in(answer)
    return Tokens(
        str(answer["access_token"]),
        seconds_of(answer.get("expires_in")) or USUAL_SECONDS,
        str(answer.get("refresh_token") or ""),
        seconds_of(answer.get("refresh_token_expires_in")),
    )


def seconds_of(value: object) -> float | None:
    """A lifetime, which some write as text; None for anything odd."""
    try:
        seconds = float(str(value))
    except ValueError:
        return None
    return seconds if 0 < seconds < MAX_SECONDS else None
