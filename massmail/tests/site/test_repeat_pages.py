"""Duplicate, leave out who has the message, export: pages of a mailing."""

from __future__ import annotations

import csv
import io

import pytest
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages

from massmail.models import EmailAccount, MailingOut
from massmail.tests.factories import (
    CustomerFactory,
    DeliveryFactory,
    EmailAccountFactory,
    EmlMessageFactory,
    MailingOutFactory,
)
from massmail.tests.site.conftest import page


@pytest.fixture
def mailing(owner):
    mailing = MailingOutFactory(owner=owner, launched=True, name="Spring")
    DeliveryFactory(mailing=mailing, status="sent", email_account__owner=owner)
    return mailing


def told(response):
    return [str(text) for text in get_messages(response.wsgi_request)]


def exported(client, mailing):
    response = client.get(page(mailing, "export"))
    text = b"".join(response).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_the_page_leads_to_each_of_them(browser, owner, mailing):
    html = browser(owner).get(page(mailing)).content.decode()

    for name in ("duplicate", "exclude_received", "export", "merge"):
        assert f'href="{page(mailing, name)}"' in html


def test_a_duplicate_is_asked_for_and_made(browser, owner, mailing):
    client = browser(owner)
    assert (
        'value="Spring, again"'
        in client.get(page(mailing, "duplicate")).content.decode()
    )
    assert MailingOut.objects.count() == 1

    response = client.post(page(mailing, "duplicate"), {"name": "Autumn"})

    copy = MailingOut.objects.latest("pk")
    assert (copy.name, copy.owner, copy.is_draft) == ("Autumn", owner, True)
    assert copy.prepared_at is not None
    assert copy.deliveries.count() == 1
    assert response.url == page(copy)
    assert told(response)[0].startswith("A draft with 1 recipient was created.")


def test_the_number_is_told_before_anybody_is_left_out(browser, owner, mailing):
    again = MailingOutFactory(owner=owner, launched=True, message=mailing.message)
    person = CustomerFactory(owner=owner, email=mailing.deliveries.get().address)
    row = DeliveryFactory(mailing=again, recipient=person, email_account__owner=owner)
    client = browser(owner)

    html = client.get(page(again, "exclude_received")).content.decode()
    row.refresh_from_db()
    assert "<strong>1</strong> recipient who waits has this message" in html
    assert row.status == "queued"

    response = client.post(page(again, "exclude_received"))
    row.refresh_from_db()
    assert told(response) == ["1 recipient has the message already and is left out."]
    assert row.reason == "already_received"


@pytest.mark.parametrize("name", ["duplicate", "exclude_received", "export", "merge"])
def test_a_colleague_finds_nothing(browser, colleague, mailing, name):
    client = browser(colleague)

    for response in (
        client.get(page(mailing, name)),
        client.post(page(mailing, name), {"name": "Mine"}),
    ):
        assert response.status_code in (302, 403, 404, 405)
    assert MailingOut.objects.count() == 1


def test_the_export_has_every_recipient_and_calculates_nothing(browser, owner, mailing):
    person = CustomerFactory(owner=owner, name="=1+1")
    DeliveryFactory(
        mailing=mailing,
        recipient=person,
        status="failed",
        reason="unknown_address",
        smtp_code=550,
        smtp_text="no such user",
        attempts=1,
        email_account__owner=owner,
    )

    rows = exported(browser(owner), mailing)

    assert len(rows) == 2
    assert rows[1]["name"] == "'=1+1"
    assert rows[1]["status"] == "failed"
    assert rows[1]["reason"] == "there is no such mailbox"
    assert rows[1]["server"] == "550 no such user"
    assert rows[1]["account"].startswith("sender")


def test_a_draft_names_no_account(browser, owner, mailing):
    MailingOut.objects.update(launched_at=None, status="P")

    [row] = exported(browser(owner), mailing)

    assert row["account"] == ""


def test_who_was_not_the_owners_to_mail_is_not_told(browser, owner, superuser, mailing):
    foreign = CustomerFactory(name="Secret", email="secret@example.com")
    DeliveryFactory(
        mailing=mailing,
        recipient=foreign,
        status="skipped",
        reason="not_assigned",
        email_account=None,
    )

    [_sent, hidden] = exported(browser(owner), mailing)
    [_sent, known] = exported(browser(superuser), mailing)

    assert (hidden["name"], hidden["address"]) == ("not yours to see", "")
    assert known["address"] == "secret@example.com"


def test_another_message_is_chosen_before_the_launch(browser, owner):
    draft = MailingOutFactory(owner=owner)
    other = EmlMessageFactory(owner=owner)

    browser(owner).post(page(draft), {"name": "Spring", "message": other.pk})

    draft.refresh_from_db()
    assert draft.message == other


@pytest.mark.urls("massmail.tests.site.urls")
def test_the_same_filters_can_be_set_again(browser, owner):
    rights = Permission.objects.filter(content_type__app_label="hostapp")
    owner.user_permissions.add(*rights)
    CustomerFactory(owner=owner, city="Delft & Leiden")
    CustomerFactory(owner=owner)
    client = browser(owner)
    data = {
        "name": "Spring",
        "how": "existing",
        "message": EmlMessageFactory(owner=owner).pk,
        "counted": 1,
        "create": "1",
        "record-city": "Delft & Leiden",
    }
    client.post("/massmail/mailingout/create/hostapp.customer/", data)
    mailing = MailingOut.objects.get()

    tools = client.get(page(mailing)).context["tools"]
    [url] = [tool["url"] for tool in tools if "same filters" in tool["label"]]

    response = client.get(url)
    assert "1 is chosen." in response.content.decode()
    assert 'value="Delft &amp; Leiden"' in response.content.decode()


def test_an_account_is_copied_without_secrets_and_does_not_send(browser, owner):
    account = EmailAccountFactory(
        owner=owner,
        name="News",
        is_main=True,
        email_host="mail.example.com",
        email_host_password="s3cret",
        access_token="t0ken",
        refresh_token="t0ken",
        failures_in_a_row=4,
        last_error="535 no",
        per_hour=30,
    )

    response = browser(owner).post(page(account, "copy"))

    copy = EmailAccount.objects.latest("pk")
    assert response.url == page(copy)
    assert (copy.name, copy.owner, copy.is_main) == ("News (copy)", owner, False)
    assert (copy.email_host, copy.per_hour) == ("mail.example.com", 30)
    assert (copy.email_host_password, copy.access_token, copy.refresh_token) == (
        "",
        "",
        "",
    )
    assert (copy.state, copy.failures_in_a_row, copy.last_error) == ("stopped", 0, "")


def test_the_co_owner_copies_no_account_and_a_get_none_either(
    browser, owner, colleague
):
    account = EmailAccountFactory(owner=owner, co_owner=colleague)

    assert browser(colleague).post(page(account, "copy")).status_code in (403, 404)
    assert browser(owner).get(page(account, "copy")).status_code == 405
    assert EmailAccount.objects.count() == 1
