"""Choosing a provider fills in what it decides, and nothing that was entered."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from massmail.backends.oauth2 import providers
from massmail.backends.presets import PRESETS
from massmail.forms.email_account import IMAP_PORTS, MAIL_PORTS, EmailAccountForm
from massmail.models import EmailAccount
from massmail.tests.factories import EmailAccountFactory
from massmail.tests.site.conftest import page
from massmail.tests.site.test_email_account import posted

pytestmark = [pytest.mark.django_db, pytest.mark.urls("massmail.tests.site.urls")]
# As the page of a new account sends it, with nothing touched.
UNTOUCHED = {
    "name": "news",
    "from_email": "anna@example.com",
    "for_massmail": "on",
    "email_port": 587,
    "security": "starttls",
    "auth": "password",
    "imap_port": 993,
    "min_gap_seconds": 15.0,
    "max_gap_seconds": 35.0,
    "max_connections": 1,
}


def added(client, **data) -> EmailAccount:
    response = client.post(page(EmailAccount, "add"), UNTOUCHED | data)
    assert response.status_code == 302, response.context["adminform"].form.errors
    return EmailAccount.objects.get()


def test_exchange_online_is_filled_in(browser, owner):
    account = added(browser(owner), preset="exchange_online")

    assert account.email_host == "smtp.office365.com"
    assert (account.auth, account.security) == ("microsoft", "starttls")
    assert (account.per_minute, account.per_day) == (30, 10_000)
    assert account.max_connections == 3


@pytest.mark.parametrize(
    ("preset", "limit"), [("gmail", 500), ("google_workspace", 2000)]
)
def test_google_has_two_limits(browser, owner, preset, limit):
    account = added(browser(owner), preset=preset)

    assert (account.auth, account.per_day) == ("google", limit)


def test_what_was_entered_stays(browser, owner):
    account = added(browser(owner), preset="gmail", per_day=50, auth="none")

    assert (account.per_day, account.auth) == (50, "none")


def test_a_provider_that_was_chosen_before_changes_nothing(browser, owner):
    account = EmailAccountFactory(owner=owner, preset="gmail", per_day=40)

    browser(owner).post(page(account), posted(account, preset="gmail", name="x"))

    account.refresh_from_db()
    assert (account.name, account.per_day, account.auth) == ("x", 40, "none")


def test_a_server_or_a_provider_is_needed(browser, owner):
    response = browser(owner).post(page(EmailAccount, "add"), UNTOUCHED)

    errors = response.context["adminform"].form.errors
    assert errors["email_host"] == [
        "Enter the server's name, or choose a provider above."
    ]


def test_more_than_the_provider_takes_is_warned_of(browser, owner):
    client = browser(owner)
    account = EmailAccountFactory(owner=owner, preset="gmail", per_day=40)

    response = client.post(
        page(account), posted(account, preset="gmail", per_day=501), follow=True
    )

    text = response.content.decode()
    assert "more than Gmail takes: 500 messages a day" in text


def test_the_page_states_the_limits_and_their_source(browser, owner):
    account = EmailAccountFactory(owner=owner, preset="exchange_online")

    text = browser(owner).get(page(account)).content.decode()

    assert "allows 30 messages a minute, 10,000 messages a day." in text
    assert PRESETS["exchange_online"].source in text


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: preset.name)
def test_each_preset_is_complete(preset):
    assert urlsplit(preset.source).scheme == "https"
    assert preset.limits
    assert preset.email_port in MAIL_PORTS
    assert preset.security == ("tls" if preset.email_port == 465 else "starttls")
    assert preset.auth in {"password", *providers()}
    assert set(preset.fields) <= set(EmailAccountForm.base_fields)
    assert EmailAccount._meta.get_field("imap_port").default in IMAP_PORTS
