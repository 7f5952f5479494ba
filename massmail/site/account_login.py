"""Whether an account is connected to its provider, and the buttons that connect it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpResponse
from django.urls import NoReverseMatch, reverse

from massmail.backends.oauth2 import provider_named, providers
from massmail.backends.oauth2.base import Provider
from massmail.models import EmailAccount

START = "massmail:oauth_start"


@dataclass(frozen=True)
class Login:
    """What the account's page says about the login at a provider."""

    provider: Provider | None
    is_connected: bool
    # Withdrawn by the provider or the mailbox's owner.
    is_lost: bool
    # Until when the access lasts if nobody uses it.
    ends_at: dt.datetime | None
    others: list[Provider]
    start_url: str

    @property
    def is_possible(self) -> bool:
        return self.provider is not None and self.provider.is_configured

    @property
    def needs_person(self) -> bool:
        return self.provider is not None and (self.is_lost or not self.is_connected)


def login_of(account: EmailAccount) -> Login:
    provider = provider_named(account.auth)
    others = [] if provider else [one for one in providers().values() if usable(one)]
    return Login(
        provider=provider,
        is_connected=account.is_connected,
        is_lost=account.state_reason == "needs_reconnecting",
        ends_at=account.refresh_token_expires_at,
        others=others,
        start_url=start_url(account),
    )


def usable(provider: Provider) -> bool:
    return provider.is_configured


def start_url(account: EmailAccount) -> str:
    """ "" where the host does not include massmail's staff pages."""
    try:
        return reverse(START, args=[account.pk])
    except NoReverseMatch:
        return ""


def allow_forms_to(providers: list[Provider], response: HttpResponse) -> None:
    """Let the Connect button's form be sent on to the provider's page.

    Browsers apply `form-action` to redirects, too. django-csp reads this attribute;
    where the host has another policy it does no harm.
    """
    origins = {origin_of(provider) for provider in providers} - {""}
    update: dict[str, Any] = dict(getattr(response, "_csp_update", None) or {})
    update["form-action"] = sorted(origins)
    response._csp_update = update  # type: ignore[attr-defined]


def origin_of(provider: Provider) -> str:
    """Of the page where the person consents."""
    address = provider.setting("AUTHORIZE_URL") or provider.setting("AUTHORITY")
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
