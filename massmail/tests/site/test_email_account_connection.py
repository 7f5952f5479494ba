"""Test connection: what each phase came to, on a page that tells no secret."""

from __future__ import annotations

import pytest
from django.urls import reverse

from massmail.models import AccountEvent, Delivery, EmailAccount
from massmail.sending.account_health import stop
from massmail.tests.factories import NOW, EmailAccountFactory
from massmail.tests.site.conftest import page
from massmail.tests.site.test_email_account import posted
from massmail.tests.smtp_server import FaultServer

SECRET = "correct horse battery"


@pytest.fixture
def server():
    with FaultServer(credentials={"anna": SECRET}) as server:
        yield server


@pytest.fixture
def account(owner, server):
    return EmailAccountFactory(
        owner=owner,
        email_port=server.port,
        auth="password",
        email_host_user="anna",
        email_host_password=SECRET,
    )


def address_of(account: EmailAccount) -> str:
    return reverse("admin:massmail_emailaccount_test", args=[account.pk])


def test_a_get_only_says_what_would_be_tried(browser, owner, account, server):
    response = browser(owner).get(address_of(account))

    assert response.status_code == 200
    assert {step["state"] for step in response.context["steps"]} == {"untested"}
    assert server.connections == 0


def test_a_working_account_passes_and_nothing_is_sent(browser, owner, account, server):
    response = browser(owner).post(address_of(account))

    assert "Everything works. Nothing was sent." in response.content.decode()
    assert {step["state"] for step in response.context["steps"]} == {"done"}
    assert server.accepted == []
    assert not Delivery.objects.exists()


def test_a_failure_shows_the_phase_the_answer_and_what_to_do(browser, owner, account):
    EmailAccount.objects.filter(pk=account.pk).update(email_host_user="bob")

    response = browser(owner).post(address_of(account))

    states = {step["phase"]: step["state"] for step in response.context["steps"]}
    assert states["Reach the server"] == "done"
    assert states["Log in"] == "failed"
    assert states["Name the account's address as sender"] == "open"
    body = response.content.decode()
    assert "535 5.7.8 authentication failed" in body
    assert "Check user name and password" in body
    assert SECRET not in body


def test_the_test_leaves_the_account_as_it_was(browser, owner, account):
    stop(account, "login_refused", detail="535 no", now=NOW)

    response = browser(owner).post(address_of(account))

    assert "You can activate the account again." in response.content.decode()
    account.refresh_from_db()
    assert (account.state, account.state_reason) == ("stopped", "login_refused")
    assert AccountEvent.objects.count() == 1


def test_a_stranger_finds_nothing(browser, colleague, account, server):
    assert browser(colleague).get(address_of(account)).status_code == 404
    assert browser(colleague).post(address_of(account)).status_code == 404
    assert server.connections == 0


def test_the_co_owner_does_not_connect(browser, colleague, account, server):
    EmailAccount.objects.filter(pk=account.pk).update(co_owner=colleague)

    assert browser(colleague).post(address_of(account)).status_code == 403
    assert server.connections == 0


def test_a_superuser_may_test_it(browser, superuser, account, server):
    assert browser(superuser).post(address_of(account)).status_code == 200
    assert server.connections == 1


def test_new_login_data_of_a_stopped_account_lead_to_the_test(browser, owner, account):
    stop(account, "login_refused", detail="535 no", now=NOW)
    data = posted(account, email_host_password="the new one")

    response = browser(owner).post(page(account), data, follow=True)

    body = response.content.decode()
    assert response.redirect_chain == [(page(account), 302)]
    assert "Test the connection, then activate the account again." in body
    assert address_of(account) in body
    assert reverse("admin:massmail_emailaccount_activate", args=[account.pk]) in body
    account.refresh_from_db()
    assert (account.state, account.email_host_password) == ("stopped", "the new one")


def test_a_change_of_anything_else_leads_to_the_list(browser, owner, account):
    response = browser(owner).post(page(account), posted(account, name="letters"))

    assert response["Location"] == page(EmailAccount, "changelist")


def test_an_added_account_is_tested_next(browser, owner, account):
    data = posted(account, name="second", email_host_password="new")

    response = browser(owner).post(page(EmailAccount, "add"), data, follow=True)

    added = EmailAccount.objects.get(name="second")
    assert response.redirect_chain == [(page(added), 302)]
    assert "Test the connection before you send through it." in (
        response.content.decode()
    )
