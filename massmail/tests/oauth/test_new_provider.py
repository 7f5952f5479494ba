"""A provider is one class: the one of docs/adding_a_provider.md, as it stands there."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
from django.utils import timezone

from massmail.backends import oauth2
from massmail.backends.driving import drive
from massmail.models import EmailAccount
from massmail.sending.connections import open_connection
from massmail.tests.identity_provider import CLIENT_ID, CLIENT_SECRET
from massmail.tests.oauth.conftest import account_for, consent, start
from massmail.tests.site.conftest import page

pytestmark = [pytest.mark.django_db, pytest.mark.urls("massmail.tests.site.urls")]
GUIDE = Path(__file__).resolve().parents[3] / "docs" / "adding_a_provider.md"


@pytest.fixture
def example(provider, settings, monkeypatch) -> str:
    """The name of the guide's provider, while it is registered."""
    oauth2.providers()
    monkeypatch.setattr(oauth2, "_registered", dict(oauth2._registered))
    [source] = re.findall(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    exec(compile(source, str(GUIDE), "exec"), {"__name__": "example"})  # noqa: S102
    registrations = provider.registrations | {
        "example": {
            "CLIENT_ID": CLIENT_ID,
            "CLIENT_SECRET": CLIENT_SECRET,
            "BASE_URL": provider.url,
        }
    }
    settings.MASSMAIL = settings.MASSMAIL | {"OAUTH": registrations}
    return "example"


def test_it_connects_sends_and_renews(
    browser, owner, server, provider, certificates, example
):
    account = account_for(owner, server, example)
    client = browser(owner)

    assert "Connect with Example Mail" in client.get(page(account)).content.decode()
    client.get(consent(start(client, account), certificates))
    EmailAccount.objects.update(
        access_token_expires_at=timezone.now() - dt.timedelta(1)
    )
    account.refresh_from_db()
    connection = drive(open_connection(account, timezone.now))
    drive(connection.quit())

    assert provider.refreshes == 1
    assert account.refresh_token != EmailAccount.objects.get().refresh_token


def test_it_is_among_the_logins_of_an_account(browser, owner, server, example):
    account = account_for(owner, server, "none")

    shown = browser(owner).get(page(account)).content.decode()

    assert '<option value="example">Example Mail</option>' in shown


def test_two_providers_cannot_have_one_name(example):
    class Other(oauth2.Provider):
        name = "google"

    with pytest.raises(ValueError, match="google"):
        oauth2.register(Other)
