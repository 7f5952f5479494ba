"""What came back, on the pages of a mailing, of its recipients and of a record."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext

from massmail.models import Delivery, DeliveryEvent, MessageVersion
from massmail.tests.factories import (
    CustomerFactory,
    DeliveryEventFactory,
    DeliveryFactory,
    MailingOutFactory,
)
from massmail.tests.site.conftest import page

Kind = DeliveryEvent.Kind
LIST = page(Delivery, "changelist")
BOUNCE = "hard: unknown_address: 550 5.1.1 no such <user>"


@pytest.fixture
def mailing(owner):
    return MailingOutFactory(owner=owner, launched=True, recipients_count=4)


@pytest.fixture
def add(mailing, owner):
    """A recipient with what happened to the mail; opens of machines with a star."""

    def row(name, *kinds, **fields):
        person = CustomerFactory(name=name, owner=owner)
        facts = {"mailing": mailing, "recipient": person, "status": "sent"} | fields
        delivery = DeliveryFactory(**facts)
        for kind in kinds:
            DeliveryEventFactory(
                delivery=delivery,
                kind=kind.rstrip("*"),
                is_machine=kind.endswith("*"),
                detail=BOUNCE if kind == "bounced" else "",
            )
        return delivery

    return row


def shown(client, mailing, response):
    query = {"mailing__id__exact": mailing.pk, "response": response}
    answer = client.get(LIST, query)
    assert answer.status_code == 200
    return [row.name for row in answer.context["cl"].result_list]


def test_each_number_leads_to_its_recipients(browser, owner, mailing, add):
    MessageVersion.objects.update(tracks_opens=True)
    add("Ada", "bounced", "bounced")
    add("Bea", "complained", "unsubscribed")
    add("Cem", "replied", "clicked")
    add("Dan", "auto_replied", "opened", "opened*")
    add("Eve", "opened*", "left_list")
    client = browser(owner)

    html = client.get(page(mailing)).text
    numbers = dict(
        re.findall(r'response=(\w+)">[^<]*</a> <span class="mm-count">(\d+)<', html)
    )
    links = re.findall(r'href="([^"]*response=(\w+))"', html)

    assert numbers == {
        "bounced": "1",
        "complained": "1",
        "replied": "1",
        "auto_replied": "1",
    }
    found = {
        kind: [
            row.name
            for row in client.get(url.replace("&amp;", "&")).context["cl"].result_list
        ]
        for url, kind in links
    }
    assert found == {
        "opened": ["Cem", "Dan"],
        "clicked": ["Cem"],
        "unsubscribed": ["Bea", "Eve"],
        "bounced": ["Ada"],
        "complained": ["Bea"],
        "replied": ["Cem"],
        "auto_replied": ["Dan"],
    }
    assert shown(client, mailing, "nonsense") == []


@pytest.mark.parametrize("is_noted", [True, False])
def test_it_is_told_whether_or_not_opens_are_noted(
    browser, owner, mailing, add, is_noted
):
    MessageVersion.objects.update(tracks_opens=is_noted)
    add("Ada", "bounced")

    assert "Came back by mail" in browser(owner).get(page(mailing)).text


def test_where_nothing_came_back_nothing_is_told_of_it(browser, owner, mailing, add):
    """A zero would be one, too, where nobody reads what comes back."""
    add("Ada", "opened")
    client = browser(owner)

    assert "Came back by mail" not in client.get(page(mailing)).text
    assert (
        "Came back by mail" not in client.get(page(MailingOutFactory(owner=owner))).text
    )


def test_a_refresh_brings_what_came_back_meanwhile(browser, owner, mailing, add):
    client = browser(owner)
    row = add("Ada")

    def fragment():
        return client.get(page(mailing, "progress")).json()["fragments"]["returns"]

    assert "response=" not in fragment()
    DeliveryEventFactory(delivery=row, kind="replied")
    assert "response=replied" in fragment()


def test_other_peoples_recipients_are_not_found(browser, colleague, mailing, add):
    add("Ada", "bounced")

    assert shown(browser(colleague), mailing, "bounced") == []


def test_the_mail_itself_tells_all_that_happened(browser, owner, add):
    row = add("Ada", "bounced", "opened*")
    DeliveryEventFactory(delivery=row, kind="replied", detail="Re: News")
    DeliveryEventFactory(delivery=row, kind="put_back", by=owner)
    DeliveryEventFactory(
        delivery=row, kind="bounced", detail="forwarded: mailbox_full: 552 full"
    )

    html = browser(owner).get(page(row)).text

    assert "bounced: there is no such mailbox" in html
    assert "550 5.1.1 no such &lt;user&gt;" in html
    assert "Re: News" in html
    assert "put back (owner)" in html
    assert "a mailbox to which this one forwards: the mailbox is full" in html
    assert "opened it" not in html


def test_the_list_says_why_it_bounced(browser, owner, mailing, add):
    add("Ada", "bounced", smtp_text="250 queued")

    html = browser(owner).get(LIST, {"mailing__id__exact": mailing.pk}).text

    assert "bounced: there is no such mailbox" in html
    assert "550 5.1.1 no such &lt;user&gt;" in html
    assert "250 queued" not in html


def test_the_export_tells_what_came_back_in_our_words(browser, owner, mailing, add):
    add("Ada", "bounced", "bounced", "replied")
    add("Bea", "opened", "unsubscribed")
    add("Cem", "bounced", status="skipped", reason="not_assigned")

    response = browser(owner).get(page(mailing, "export"))

    lines = b"".join(response).decode("utf-8-sig").splitlines()
    assert [line.rpartition(",")[2] for line in lines] == [
        "came_back",
        "bounced: there is no such mailbox; replied",
        "",
        "",
    ]


def test_of_somebody_elses_recipient_it_tells_nothing(browser, owner, add):
    row = add("Ada", "bounced", status="skipped", reason="not_assigned")

    client = browser(owner)
    html = client.get(page(row)).text
    html += client.get(LIST, {"mailing__id__exact": row.mailing_id}).text

    assert "550 5.1.1" not in html
    assert "there is no such mailbox" not in html


def test_the_pages_cost_the_same_however_much_came_back(browser, owner, mailing, add):
    row = add("Ada", "bounced")
    client = browser(owner)
    urls = [page(mailing), page(row), f"{LIST}?mailing__id__exact={mailing.pk}"]
    urls += [f"{LIST}?mailing__id__exact={mailing.pk}&response=bounced"]

    def costs():
        found = []
        for url in urls:
            with CaptureQueriesContext(connection) as captured:
                client.get(url)
            found.append(len(captured))
        return found

    costs()
    before = costs()
    for number in range(5):
        add(f"X{number}", "bounced", "replied", "complained", "auto_replied")
        DeliveryEventFactory(delivery=row, kind="replied", by=owner)

    assert costs() == before


@pytest.mark.urls("massmail.tests.site.urls")
def test_a_record_tells_what_came_back_in_the_servers_words(
    browser, owner, mailing, add
):
    rights = Permission.objects.filter(content_type__app_label="hostapp")
    owner.user_permissions.add(*rights)
    row = add("Ada", "bounced", "left_list")
    DeliveryEventFactory(
        delivery=row, kind="auto_replied", detail="Automatic reply: back on Monday"
    )

    html = browser(owner).get(f"/hostapp/customer/{row.object_id}/mailings/").text

    assert "there is no such mailbox" in html
    assert "550 5.1.1 no such &lt;user&gt;" in html
    assert "left the list" in html
    assert "automatic reply" in html
    assert "Automatic reply: back on Monday" in html
