"""What needs a person is at the top of his pages, and of nobody else's."""

from __future__ import annotations

import pytest
from django.urls import reverse

from massmail.models import Alert, EmailAccount, Signature
from massmail.models.alert import account_cause
from massmail.tests.factories import (
    NOW,
    AlertFactory,
    EmailAccountFactory,
    MailingOutFactory,
)
from massmail.tests.site.conftest import page

WORDS = "The mailbox was stopped by a mouse."


def places() -> list[str]:
    return [
        reverse("admin:index"),
        reverse("admin:app_list", args=["massmail"]),
        page(EmailAccount, "changelist"),
        page(Signature, "changelist"),
    ]


def test_an_open_alert_is_shown_to_its_recipient(browser, owner):
    AlertFactory(recipient=owner, text=WORDS)

    for place in places():
        assert WORDS in browser(owner).get(place).content.decode()


@pytest.mark.parametrize("who", ["colleague", "superuser"])
def test_nobody_elses_is_shown(request, browser, owner, who):
    AlertFactory(recipient=owner, text=WORDS)
    client = browser(request.getfixturevalue(who))

    for place in places():
        assert WORDS not in client.get(place).content.decode()


def test_a_closed_alert_is_gone(browser, owner):
    AlertFactory(recipient=owner, text=WORDS, closed_at=NOW)

    for place in places():
        assert WORDS not in browser(owner).get(place).content.decode()


def test_it_leads_to_the_account_or_the_mailing(browser, owner):
    account = EmailAccountFactory(owner=owner)
    mailing = MailingOutFactory(owner=owner, launched=True)
    AlertFactory(recipient=owner, cause=account_cause(account.pk))
    AlertFactory(recipient=owner, cause=f"mailing:{mailing.pk}")
    AlertFactory(recipient=owner, cause="weather:7")

    body = browser(owner).get(reverse("admin:index")).content.decode()

    assert f'<a href="{page(account)}">Open the account</a>' in body
    assert f'<a href="{page(mailing)}">Open the mailing</a>' in body


def test_its_text_is_text(browser, owner):
    AlertFactory(recipient=owner, text="<script>alert(1)</script>")

    body = browser(owner).get(reverse("admin:index")).content.decode()

    assert "<script>alert(1)" not in body
    assert "&lt;script&gt;alert(1)" in body


def test_many_are_a_few_and_a_link_to_the_rest(browser, owner):
    AlertFactory.create_batch(7, recipient=owner, text=WORDS)

    body = browser(owner).get(reverse("admin:index")).content.decode()

    assert body.count(WORDS) == 5
    assert "There are more of them." in body


def test_the_login_page_shows_none(client, owner):
    AlertFactory(recipient=owner, text=WORDS)

    assert WORDS not in client.get(reverse("admin:login")).content.decode()


@pytest.mark.parametrize(
    ("query", "texts"),
    [
        ({"open": "yes"}, ["Open"]),
        ({"open": "no"}, ["Closed"]),
        ({"open": "nonsense"}, ["Open", "Closed"]),
        ({}, ["Open", "Closed"]),
    ],
)
def test_the_list_tells_open_alerts_from_closed_ones(browser, owner, query, texts):
    AlertFactory(recipient=owner, text="Open")
    AlertFactory(recipient=owner, text="Closed", cause="account:0", closed_at=NOW)

    response = browser(owner).get(page(Alert, "changelist"), query)

    found = response.context["cl"].result_list
    assert sorted(alert.text for alert in found) == sorted(texts)
