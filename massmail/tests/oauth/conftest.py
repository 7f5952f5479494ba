"""A provider, a server that takes its tokens, and an account between them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from massmail.models import EmailAccount
from massmail.tests.factories import EmailAccountFactory
from massmail.tests.identity_provider import IdentityProvider
from massmail.tests.site.conftest import browser, colleague, own_policy, owner
from massmail.tests.smtp_certificates import Certificates
from massmail.tests.smtp_server import FaultServer, Offer

__all__ = ["browser", "colleague", "own_policy", "owner"]

ADDRESS = "anna@example.com"


@pytest.fixture
def server() -> Iterator[FaultServer]:
    """Takes XOAUTH2 alone; nobody can log in before a token is issued."""
    offer = Offer(mechanisms=("XOAUTH2",))
    with FaultServer(tokens={"nobody": "no token"}, offer=offer) as server:
        yield server


@pytest.fixture
def provider(certificates, trusted, server, settings) -> Iterator[IdentityProvider]:
    with IdentityProvider(
        certificates=certificates, on_access_token=server.tokens.__setitem__
    ) as provider:
        settings.MASSMAIL = settings.MASSMAIL | {"OAUTH": provider.registrations}
        yield provider


def account_for(owner: Any, server: FaultServer, auth: str) -> EmailAccount:
    return EmailAccountFactory(
        owner=owner, from_email=ADDRESS, auth=auth, email_port=server.port
    )


@pytest.fixture(params=["google", "microsoft"])
def account(request, owner, server, provider) -> EmailAccount:
    """Not connected yet."""
    return account_for(owner, server, request.param)


@pytest.fixture
def connected(account, provider) -> EmailAccount:
    """With a token that the server takes."""
    access, refresh = provider.issue(ADDRESS)
    account.access_token, account.refresh_token = access, refresh
    account.access_token_expires_at = timezone.now() + dt.timedelta(hours=1)
    account.save()
    return account


def start(client: Client, account: EmailAccount, **data: str) -> str:
    """The provider's address to which the browser is sent."""
    response = client.post(reverse("massmail:oauth_start", args=[account.pk]), data)
    assert response.status_code == 302
    return response["Location"]


def consent(location: str, certificates: Certificates) -> str:
    """The person answers at the provider; where the browser comes back to."""
    response = requests.get(
        location,
        allow_redirects=False,
        verify=str(certificates.authority_file),
        timeout=10,
    )
    return response.headers["Location"].removeprefix("http://testserver")
