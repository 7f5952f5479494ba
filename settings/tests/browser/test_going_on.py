"""What takes longer than a request goes on while its page is open."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from massmail.models import Delivery, EmailAccount
from massmail.site import account_deletion
from massmail.tests.factories import (
    DeliveryFactory,
    EmailAccountFactory,
    MailingOutFactory,
    SuperuserFactory,
)
from settings.tests.browser.looks import DARK, DARK_PHONE, LAPTOP, PHONE, RUSSIAN_PHONE
from settings.tests.browser.visitor import visiting

pytestmark = pytest.mark.browser


def drop_one(accounts, *, seconds):
    """As much as a request has time for."""
    planned = Delivery.objects.filter(email_account__in=accounts)
    for row in planned[:1]:
        Delivery.objects.filter(pk=row.pk).update(email_account=None)
    return not planned.exists()


@pytest.fixture
def account(site, monkeypatch):
    """Of a superuser, who may delete it; drafts plan with it for three recipients."""
    monkeypatch.setattr(account_deletion, "drop_plans", drop_one)
    account = EmailAccountFactory(owner=SuperuserFactory(), name="Old mailbox")
    for mailing in MailingOutFactory.create_batch(3, owner=account.owner):
        DeliveryFactory(email_account=account, mailing=mailing)
    return account


def delete(visitor, account):
    visitor.log_in_as(account.owner)
    visitor.open(f"/massmail/emailaccount/{account.pk}/delete/")
    visitor.page.locator("#content input[type=submit]").click()


def is_deleted(account):
    return not EmailAccount.objects.filter(pk=account.pk).exists()


def test_one_press_deletes_an_account_with_which_drafts_plan(chromium, site, account):
    with visiting(chromium, site) as visitor:
        delete(visitor, account)
        told = visitor.page.locator(".messagelist .success")
        expect(told).to_contain_text("Old mailbox")
    assert is_deleted(account)


def test_without_scripts_a_button_goes_on(chromium, site, account):
    with visiting(chromium, site, java_script_enabled=False) as visitor:
        delete(visitor, account)
        for words in ("mail 2 recipients with", "mail 1 recipient with"):
            expect(visitor.page.get_by_text(words)).to_be_visible()
            assert not is_deleted(account)
            visitor.page.get_by_role("button", name="Go on deleting").click()
        visitor.page.wait_for_url("**/massmail/emailaccount/")
    assert is_deleted(account)


@pytest.mark.parametrize(
    "look", [LAPTOP, DARK, PHONE, DARK_PHONE, RUSSIAN_PHONE], ids=str
)
def test_the_page_that_goes_on_is_good_on_every_screen(chromium, site, account, look):
    with visiting(chromium, site, look) as visitor:
        visitor.page.route(
            "**/go_on.js", lambda route: route.fulfill(content_type="text/javascript")
        )
        delete(visitor, account)
        expect(visitor.page.locator("form[data-goes-on]")).to_be_visible()
        visitor.look_around()
