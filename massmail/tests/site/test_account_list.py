"""The list of accounts tells for what each is used, and when last."""

from __future__ import annotations

import pytest

from massmail.models import EmailAccount
from massmail.tests.factories import (
    DeliveryFactory,
    EmailAccountFactory,
    MailingOutFactory,
    MainAccountFactory,
    SendAttemptFactory,
)
from massmail.tests.site.conftest import page

LIST = page(EmailAccount, "changelist")


def listed(client):
    response = client.get(LIST)
    rows = response.context["cl"].result_list
    return {row.pk: row for row in rows}, response.content.decode()


def attempt(account, mailing, **fields):
    row = DeliveryFactory(mailing=mailing, email_account=account, status="sent")
    return SendAttemptFactory(delivery=row, **fields)


def test_the_last_mailing_is_told(browser, owner):
    account, unused = (EmailAccountFactory(owner=owner) for _number in range(2))
    attempt(account, MailingOutFactory(owner=owner, launched=True, name="Spring"))

    rows, html = listed(browser(owner))

    assert rows[account.pk].latest.name == "Spring"
    assert rows[unused.pk].latest is None
    assert "Spring" in html


def test_a_co_owners_mailing_is_not_named_to_the_owner(browser, owner, colleague):
    account = EmailAccountFactory(owner=owner, co_owner=colleague)
    attempt(account, MailingOutFactory(owner=colleague, launched=True, name="Secret"))

    rows, html = listed(browser(owner))

    assert rows[account.pk].latest.name == ""
    assert "Secret" not in html


def test_it_is_told_what_an_account_is_for(browser, owner):
    EmailAccountFactory(owner=owner, imports_mail=True)

    assert "mass mail, returned mail" in listed(browser(owner))[1]


@pytest.mark.parametrize(
    ("use", "names"),
    [
        ("is_main", {"main"}),
        ("for_massmail", {"news"}),
        ("imports_mail", {"returns"}),
        ("nonsense", {"main", "news", "returns"}),
    ],
)
def test_it_is_filtered_by_the_use(browser, owner, use, names):
    MainAccountFactory(owner=owner, name="main", for_massmail=True)
    EmailAccountFactory(owner=owner, name="news")
    EmailAccountFactory(
        owner=owner, name="returns", for_massmail=False, imports_mail=True
    )

    response = browser(owner).get(page(EmailAccount, "changelist"), {"use": use})

    assert {account.name for account in response.context["cl"].result_list} == names


def test_why_it_rests_is_told_where_no_server_said_anything(browser, owner):
    EmailAccountFactory(owner=owner, state="stopped", state_reason="holidays")
    EmailAccountFactory(owner=owner, state="active", state_reason="yesterday")

    _rows, html = listed(browser(owner))

    assert "holidays" in html
    assert "yesterday" not in html


def test_its_cost_is_that_of_a_page(browser, owner, django_assert_max_num_queries):
    for _number in range(12):
        account = EmailAccountFactory(owner=owner)
        attempt(account, MailingOutFactory(owner=owner, launched=True))
    client = browser(owner)

    with django_assert_max_num_queries(20):
        listed(client)
