"""The account's page: connect, connected, needs reconnecting."""

from __future__ import annotations

import pytest
from django.utils import timezone

from massmail.backends.oauth2 import provider_named
from massmail.models import EmailAccount
from massmail.sending.account_health import stop
from massmail.tests.factories import EmailAccountFactory
from massmail.tests.oauth.conftest import ADDRESS
from massmail.tests.site.conftest import page
from massmail.tests.site.test_email_account import posted

pytestmark = [pytest.mark.django_db, pytest.mark.urls("massmail.tests.site.urls")]


def html(client, account) -> str:
    return client.get(page(account)).content.decode()


def panel(shown: str) -> str:
    """Of the page, what stands above the form and its history."""
    return shown[shown.index("mm-panel") : shown.index('id="emailaccount_form"')]


def test_an_account_that_is_not_connected_has_one_big_button(browser, owner, account):
    label = provider_named(account.auth).label
    shown = html(browser(owner), account)

    assert "Not connected yet." in shown
    assert f"Connect with {label}</button>" in shown
    assert "Instead of a password" not in shown


def test_a_connected_account_says_as_whom_and_shows_no_token(browser, owner, connected):
    shown = html(browser(owner), connected)

    assert "<strong>Connected</strong>" in shown
    assert f"as {ADDRESS}." in shown
    assert connected.access_token not in shown
    assert connected.refresh_token not in shown


def test_an_account_that_lost_its_access_says_so(browser, owner, connected):
    stop(connected, "needs_reconnecting", detail="x", now=timezone.now())

    shown = html(browser(owner), connected)

    assert "Needs reconnecting." in shown
    assert "It sends nothing until it is connected again." in shown
    assert "it is activated again" not in shown
    assert "Connect it again by the button" not in panel(shown)
    assert "again</button>" in shown
    assert "Activate again" not in shown


def test_an_account_that_was_never_connected_is_not_called_active(
    browser, owner, account
):
    client = browser(owner)
    shown = panel(html(client, account))
    listed = client.get(page(EmailAccount, "changelist")).content.decode()

    pill = '<span class="mm-pill" data-tone="unconnected">not connected</span>'
    assert pill in shown
    assert pill in listed
    assert "It sends nothing before it is connected." in shown


def test_an_account_with_a_password_is_offered_the_providers(browser, owner, provider):
    account = EmailAccountFactory(owner=owner, auth="password")
    shown = html(browser(owner), account)

    assert "Connect with Google</button>" in shown
    assert "Connect with Microsoft</button>" in shown


def test_without_registrations_nothing_is_offered(browser, owner, settings):
    settings.MASSMAIL = settings.MASSMAIL | {"OAUTH": {}}
    shown = html(browser(owner), EmailAccountFactory(owner=owner))

    assert "Connect with" not in shown


def test_a_co_owner_sees_no_button(browser, colleague, account):
    EmailAccount.objects.update(co_owner=colleague)

    assert "Connect with" not in html(browser(colleague), account)


def test_the_policy_lets_the_form_go_to_the_provider(browser, owner, account, provider):
    header = browser(owner).get(page(account))["Content-Security-Policy"]
    [directive] = [part for part in header.split(";") if "form-action" in part]

    assert provider.url in directive.split()
    assert "'self'" in directive


@pytest.mark.parametrize(
    "changes",
    [
        {"from_email": "bob@example.com"},
        {"auth": "none"},
        {"email_host": "127.0.0.2"},
        {"imap_host": "127.0.0.2"},
    ],
)
def test_tokens_of_another_mailbox_or_login_are_forgotten(
    browser, owner, connected, changes
):
    response = browser(owner).post(page(connected), posted(connected, **changes))

    assert response.status_code == 302
    connected.refresh_from_db()
    assert not connected.is_connected


def test_another_change_keeps_the_tokens(browser, owner, connected):
    browser(owner).post(page(connected), posted(connected, name="renamed"))

    connected.refresh_from_db()
    assert (connected.name, connected.is_connected) == ("renamed", True)
