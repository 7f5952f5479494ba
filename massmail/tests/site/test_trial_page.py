"""The page that sends a test: from a message, from a mailing, to whom one likes."""

from __future__ import annotations

import pytest
from django.contrib.messages import get_messages
from django.utils import timezone

from massmail.models import Delivery, Heartbeat, SuppressedAddress
from massmail.orchestrator.preview_recipients import extreme_recipient
from massmail.recipients import AccessPolicy
from massmail.recipients.registry import source_of
from massmail.tests.factories import (
    CustomerFactory,
    EmailAccountFactory,
    EmlMessageFactory,
    GroupFactory,
    MainAccountFactory,
)
from massmail.tests.hostapp.models import Customer
from massmail.tests.mailings import draft, ready_settings
from massmail.tests.site.conftest import page


@pytest.fixture
def message(owner):
    ready_settings()
    return EmlMessageFactory(owner=owner, subject="Hi {{ first_name }}")


@pytest.fixture
def account(owner):
    return EmailAccountFactory(owner=owner, name="News")


class GroupsAreDepartments(AccessPolicy):
    def departments(self, user):
        return user.groups.all()


@pytest.fixture
def departments(settings):
    path = f"{__name__}.{GroupsAreDepartments.__name__}"
    settings.MASSMAIL = settings.MASSMAIL | {"ACCESS_POLICY": path}


def send(client, message, account, /, **data):
    return client.post(page(message, "test"), {"account": account.pk, **data})


def values(row: Delivery) -> dict:
    return row.sample.values


def test_a_get_sends_nothing(browser, owner, message, account):
    zoe = CustomerFactory(owner=owner, name="Zoë")

    response = browser(owner).get(page(message, "test"), {"recipient": zoe.pk})

    html = response.content.decode()
    assert "Chosen: <strong>Zoë</strong>" in html
    assert owner.email in html
    assert "News" in html
    assert not Delivery.objects.exists()


def test_to_me_as_a_chosen_recipient(browser, owner, message, account):
    CustomerFactory(owner=owner, name="Abel")
    zoe = CustomerFactory(owner=owner, name="Zoë")

    response = send(
        browser(owner),
        message,
        account,
        to_me="on",
        type="hostapp.customer",
        recipient=zoe.pk,
    )

    row = Delivery.objects.get()
    assert (row.kind, row.address, row.email_account) == ("test", owner.email, account)
    assert values(row)["first_name"] == "Zoë"
    assert response.status_code == 302
    assert f"recipient={zoe.pk}" in response.url


def test_somebody_elses_record_lends_no_values(browser, owner, message, account):
    mine = CustomerFactory(owner=owner, name="Mine")
    theirs = CustomerFactory(name="Theirs")

    send(
        browser(owner),
        message,
        account,
        to_me="on",
        type="hostapp.customer",
        recipient=theirs.pk,
    )

    assert values(Delivery.objects.get())["first_name"] == mine.name


def test_with_the_longest_values(browser, owner, message, account):
    CustomerFactory(owner=owner, name="Al")
    CustomerFactory(owner=owner, name="Maximiliana")

    send(
        browser(owner),
        message,
        account,
        to_me="on",
        type="hostapp.customer",
        recipient="-longest",
    )

    longest = extreme_recipient(source_of(Customer), owner, longest=True)
    assert values(Delivery.objects.get()) == longest.variables
    assert longest.variables["first_name"] == "Maximiliana"


def test_to_other_addresses(browser, owner, message, account):
    send(browser(owner), message, account, addresses="bo@example.com, cy@example.com;")

    assert [row.address for row in Delivery.objects.all()] == [
        "bo@example.com",
        "cy@example.com",
    ]


def test_to_a_colleague_of_the_department(
    browser, owner, colleague, message, account, departments
):
    client = browser(owner)
    north = GroupFactory(name="North")
    owner.groups.add(north)
    assert colleague.email not in client.get(page(message, "test")).content.decode()

    colleague.groups.add(north)
    send(client, message, account, colleagues=[colleague.pk])

    assert Delivery.objects.get().address == colleague.email


def test_a_stranger_is_no_colleague(browser, owner, colleague, message, account):
    response = send(browser(owner), message, account, colleagues=[colleague.pk])

    assert response.status_code == 200
    assert not Delivery.objects.exists()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "Say to whom the test goes."),
        ({"addresses": "bo@"}, "“bo@” is no address."),
        ({"addresses": "gone@example.com"}, "is on the don&#x27;t-mail list"),
        ({"addresses": "a@example.com " * 11}, "10 people at most"),
        ({"to_me": "on", "account": "0"}, "Select a valid choice"),
    ],
)
def test_a_refusal_says_why_and_keeps_what_was_typed(
    browser, owner, message, account, data, said
):
    SuppressedAddress.objects.suppress("gone@example.com", reason="manual", source="x")

    response = send(browser(owner), message, account, **data)

    assert response.status_code == 200
    html = response.content.decode()
    assert said in html
    assert data.get("addresses", "").strip() in html
    assert not Delivery.objects.exists()


def test_a_foreign_account_cannot_be_chosen(browser, owner, colleague, message):
    EmailAccountFactory(owner=owner)
    theirs = EmailAccountFactory(owner=colleague)

    send(browser(owner), message, theirs, to_me="on")

    assert not Delivery.objects.exists()


def test_a_foreign_message_is_not_found(browser, colleague, message):
    account = EmailAccountFactory(owner=colleague)

    response = send(browser(colleague), message, account, to_me="on")

    assert response.status_code == 404
    assert not Delivery.objects.exists()


def test_without_an_account_the_page_leads_to_one(browser, owner, message):
    html = browser(owner).get(page(message, "test")).content.decode()

    assert "You have no email account" in html
    assert "/emailaccount/add/" in html


def test_the_main_account_alone_is_enough(browser, owner, message):
    account = MainAccountFactory(owner=owner)

    send(browser(owner), message, account, to_me="on")

    assert Delivery.objects.get().email_account == account


def test_who_has_no_address_types_one(browser, owner, message, account):
    owner.email = ""
    owner.save()

    html = browser(owner).get(page(message, "test")).content.decode()

    assert 'name="to_me"' not in html


def test_the_page_tells_what_became_of_the_last_tests(browser, owner, message, account):
    client = browser(owner)
    send(client, message, account, addresses="bo@example.com")
    Delivery.objects.update(
        status="failed", reason="unknown_address", smtp_text="550 no such user"
    )

    html = client.get(page(message, "test")).content.decode()

    assert "bo@example.com" in html
    assert "there is no such mailbox" in html
    assert "550 no such user" in html


def test_the_page_tells_whether_the_sender_runs(browser, owner, message, account):
    client = browser(owner)
    assert "is not running" in client.get(page(message, "test")).content.decode()

    Heartbeat.objects.beat(Heartbeat.BEAT, timezone.now())

    assert "is not running" not in client.get(page(message, "test")).content.decode()


@pytest.mark.parametrize("kind", ["change", "launch"])
def test_a_mailings_pages_lead_to_it_and_it_leads_back(browser, owner, account, kind):
    ready_settings()
    mailing = draft(owner)
    client = browser(owner)
    url = f"{page(mailing.message, 'test')}?mailing={mailing.pk}"

    assert url.replace("&", "&amp;") in client.get(page(mailing, kind)).content.decode()
    assert page(mailing) in client.get(url).content.decode()
    answer = client.post(
        url, {"account": account.pk, "to_me": "on", "mailing": mailing.pk}
    )

    assert f"mailing={mailing.pk}" in answer.url
    assert [str(text) for text in get_messages(answer.wsgi_request)] == [
        f"The test to {owner.email} is on its way."
    ]
    assert mailing.deliveries.count() == 3
