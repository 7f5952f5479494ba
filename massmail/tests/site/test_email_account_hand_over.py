"""Recipients who wait for an account that does not send are offered to others."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from massmail.models import Delivery, EmailAccount, MassContact
from massmail.sending.account_health import reactivate, stop
from massmail.tests.factories import (
    NOW,
    DeliveryFactory,
    EmailAccountFactory,
    MailingOutFactory,
    MassContactFactory,
)
from massmail.tests.site.conftest import page


@pytest.fixture
def account(owner, colleague):
    account = EmailAccountFactory(owner=owner, co_owner=colleague)
    mailing = MailingOutFactory(owner=owner, launched=True)
    DeliveryFactory.create_batch(3, mailing=mailing, email_account=account)
    stop(account, "login_refused", detail="535 no", now=NOW)
    account.refresh_from_db()
    return account


def address_of(account: EmailAccount) -> str:
    return reverse("admin:massmail_emailaccount_hand_over", args=[account.pk])


def waiting(account: EmailAccount) -> int:
    return Delivery.objects.filter(email_account=account).count()


def test_the_page_offers_it_while_the_account_does_not_send(browser, owner, account):
    client = browser(owner)
    assert address_of(account) in client.get(page(account)).content.decode()

    reactivate(account, by=owner, now=NOW)

    assert address_of(account) not in client.get(page(account)).content.decode()


def test_it_is_asked_first_with_count_and_target_accounts(browser, owner, account):
    other = EmailAccountFactory(owner=owner, name="other news")

    response = browser(owner).get(address_of(account))

    assert response.context["movable"] == 3
    assert "other news" in response.content.decode()
    assert (waiting(account), waiting(other)) == (3, 0)


def test_confirmed_they_are_handed_over_and_it_is_logged(browser, owner, account):
    other = EmailAccountFactory(owner=owner)

    response = browser(owner).post(address_of(account), follow=True)

    assert "3 recipients are mailed from other accounts now." in (
        response.content.decode()
    )
    assert (waiting(account), waiting(other)) == (0, 3)
    assert LogEntry.objects.get().change_message == "3 recipients handed over"


def test_vips_stay_and_the_page_says_so(browser, owner, account):
    EmailAccountFactory(owner=owner)
    row = Delivery.objects.first()
    vip = MassContactFactory(
        recipient=None, content_type=row.content_type, object_id=row.object_id
    )
    MassContact.objects.filter(pk=vip.pk).update(is_vip=True)
    Delivery.objects.filter(pk=row.pk).update(mass_contact=vip)

    response = browser(owner).get(address_of(account))

    assert (response.context["movable"], response.context["vips"]) == (2, 1)


def test_without_another_account_the_page_says_so_and_nothing_moves(
    browser, owner, account
):
    client = browser(owner)

    shown = client.get(address_of(account)).content.decode()
    response = client.post(address_of(account), follow=True)

    assert "There is no other working account for mass mail" in shown
    assert "There is no other working account for mass mail." in (
        response.content.decode()
    )
    assert waiting(account) == 3
    assert not LogEntry.objects.exists()


def test_a_co_owners_accounts_are_counted_and_not_named(
    browser, owner, colleague, account
):
    theirs = MailingOutFactory(owner=colleague, launched=True)
    DeliveryFactory(mailing=theirs, email_account=account)
    EmailAccountFactory(owner=colleague, name="secret project")

    response = browser(owner).get(address_of(account))

    assert response.context["movable"] == 1
    assert "secret project" not in response.content.decode()


def test_the_co_owner_hands_nothing_over(browser, colleague, account):
    EmailAccountFactory(owner=account.owner)

    assert browser(colleague).get(address_of(account)).status_code == 403
    assert browser(colleague).post(address_of(account)).status_code == 403
    assert waiting(account) == 3
