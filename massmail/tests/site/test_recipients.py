"""The recipients of a mailing: filtered, searched, and no more than one may see."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from massmail.models import Delivery, MailingOut, MassmailSettings
from massmail.sending.outcome_rules import RULES
from massmail.sending.verdicts import Scope
from massmail.site.delivery import DeliveryAdmin
from massmail.site.reasons import OF_RECIPIENTS, reason_words
from massmail.tests.factories import (
    CustomerFactory,
    DeliveryFactory,
    EmailAccountFactory,
    MailingOutFactory,
)
from massmail.tests.site.conftest import page

LIST = page(Delivery, "changelist")


@pytest.fixture
def mailing(owner):
    return MailingOutFactory(owner=owner, launched=True, name="spring")


@pytest.fixture
def add(mailing, owner):
    account = EmailAccountFactory(owner=owner, name="News")

    def row(name, **fields):
        person = CustomerFactory(name=name, email=f"{name.lower()}@example.com")
        fields.setdefault("email_account", account)
        return DeliveryFactory(mailing=mailing, recipient=person, **fields)

    return row


@pytest.fixture
def hidden(add):
    """A record that was somebody else's: the owner must not learn whose."""
    return add(
        "Okapi",
        status="skipped",
        reason="not_assigned",
        email_account=None,
        smtp_text="<okapi@example.com> unknown",
    )


def shown(client, mailing, **query):
    response = client.get(LIST, {"mailing__id__exact": mailing.pk, **query})
    assert response.status_code == 200
    return [row.name for row in response.context["cl"].result_list]


def test_a_row_tells_state_reason_and_the_servers_words(browser, owner, mailing, add):
    add(
        "Ada",
        status="failed",
        reason="mailbox_full",
        smtp_text="552 over quota, says the server",
    )

    html = browser(owner).get(LIST, {"mailing__id__exact": mailing.pk}).content.decode()

    assert "Recipients of “spring”" in html
    for text in ("Ada", "ada@example.com", "failed", "the mailbox is full"):
        assert text in html
    assert "552 over quota, says the server" in html
    assert f'href="{page(mailing)}"' in html


def test_who_waits_for_his_own_business_hours_is_told_so(browser, owner, mailing, add):
    """Until then nothing is written about it: the hours may be others by then."""
    now = timezone.now()
    MassmailSettings(
        use_business_time=True, use_recipient_time_zone=True, business_days=[]
    ).save()
    waiting = add("Ada", not_before=now)
    add("Bob", not_before=now + dt.timedelta(hours=1), reason="greylisted")
    add("Cid", status="sent")
    DeliveryFactory(mailing=MailingOutFactory(owner=owner), not_before=now)
    words, client = "waits for business hours where the recipient is", browser(owner)

    def told(url, **query):
        return client.get(url, query).content.decode().count(words)

    assert told(LIST) == told(page(waiting)) == 1
    MassmailSettings(use_business_time=False).save()
    assert told(LIST) == told(page(waiting)) == 0


def test_rows_are_filtered_by_state_and_reason(browser, owner, mailing, add):
    add("Ada", status="queued")
    add("Bea", status="sending")
    add("Cem", status="skipped", reason="opted_out")
    add("Dan", status="skipped", reason="suppressed")
    client = browser(owner)

    assert shown(client, mailing, state="waiting") == ["Ada", "Bea"]
    assert shown(client, mailing, state="skipped") == ["Cem", "Dan"]
    assert shown(client, mailing, reason="opted_out") == ["Cem"]
    assert shown(client, mailing, state="sent") == []
    assert shown(client, mailing, state="nonsense") == []


def test_rows_are_found_by_name_and_address(browser, owner, mailing, add):
    add("Ada")
    add("Bea")
    client = browser(owner)

    assert shown(client, mailing, q="ada@example") == ["Ada"]
    assert shown(client, mailing, q="bea") == ["Bea"]


def test_rows_are_filtered_by_account(browser, owner, mailing, add):
    other = EmailAccountFactory(owner=owner, name="Letters")
    foreign = EmailAccountFactory(name="Theirs")
    add("Ada")
    add("Bea", email_account=other)
    client = browser(owner)

    assert shown(client, mailing, account=other.pk) == ["Bea"]
    assert shown(client, mailing, account=foreign.pk) == []
    html = client.get(LIST, {"mailing__id__exact": mailing.pk}).content.decode()
    assert "Letters" in html
    assert "Theirs" not in html


def test_what_a_draft_plans_is_not_shown_as_given(browser, owner, mailing, add):
    letters = EmailAccountFactory(owner=owner, name="Letters")
    row = add("Ada", email_account=letters)
    client = browser(owner)
    assert "Letters" in client.get(page(row)).content.decode()
    MailingOut.objects.update(launched_at=None, status="P")

    assert "Letters" not in client.get(page(row)).content.decode()
    assert shown(client, mailing, account=row.email_account_id) == []


def test_whose_a_foreign_record_is_stays_hidden(browser, owner, mailing, hidden):
    client = browser(owner)

    pages = (LIST, f"{LIST}?mailing__id__exact={mailing.pk}", page(hidden))
    for address in pages:
        html = client.get(address).content.decode().lower()
        assert "not yours to see" in html
        assert "okapi" not in html


def test_a_hidden_record_is_not_found_by_what_is_hidden(
    browser, owner, mailing, hidden, add
):
    add("Ada")
    client = browser(owner)

    for text in ("okapi", "okapi@example.com", "Okapi", "o"):
        assert "Okapi" not in shown(client, mailing, q=text)


@pytest.mark.parametrize(
    "query",
    [
        {"address": "okapi@example.com"},
        {"address__startswith": "o"},
        {"name__icontains": "oka"},
        {"smtp_text__contains": "okapi"},
        {"address_key": "x"},
        {"mass_contact__object_id": "1"},
        {"mailing__owner__username": "owner"},
    ],
    ids=str,
)
def test_the_query_string_asks_for_nothing_that_is_hidden(
    browser, owner, hidden, query
):
    assert browser(owner).get(LIST, query).status_code == 400


def test_the_order_does_not_tell_a_hidden_address(browser, owner, mailing, add):
    add("Zoe")
    hidden = add("Mia", status="skipped", reason="not_assigned", email_account=None)
    add("Ada")
    client = browser(owner)

    assert shown(client, mailing, o="0") == [hidden.name, "Ada", "Zoe"]
    assert shown(client, mailing, o="-0") == ["Zoe", "Ada", hidden.name]


def test_superusers_see_it(browser, superuser, mailing, hidden):
    client = browser(superuser)

    assert shown(client, mailing, q="okapi") == ["Okapi"]
    assert "okapi@example.com" in client.get(page(hidden)).content.decode()


def test_a_delivery_is_called_by_its_recipient(browser, owner, mailing, add, hidden):
    client = browser(owner)

    for row, name in ((add("Ada"), "Ada"), (hidden, "not yours to see")):
        assert client.get(page(row)).context["subtitle"] == name


def test_a_delivery_is_found_below_its_mailing(browser, owner, mailing, add):
    row = add("Ada")

    body = browser(owner).get(page(row)).content.decode()

    trail = body[body.index('<div class="breadcrumbs">') :].partition("</div>")[0]
    recipients = f"{LIST}?mailing__id__exact={mailing.pk}"
    assert f'<a href="{page(mailing)}">{mailing.name}</a>' in trail
    assert f'<a href="{recipients}">Recipients</a>' in trail
    assert trail.strip().endswith("Ada")


def test_a_mailing_without_rows_is_not_said_to_hide_some(browser, owner, mailing):
    client, of_mailing = browser(owner), {"mailing__id__exact": mailing.pk}

    bare = client.get(LIST, of_mailing).content.decode()
    narrowed = client.get(LIST, of_mailing | {"state": "sent"}).content.decode()

    assert "No recipient has been added to this mailing." in bare
    assert "No recipient of this mailing is like that." in narrowed


def test_the_list_counts_once(browser, owner, mailing, add):
    for number in range(3):
        add(f"Person{number}")
    client = browser(owner)

    with CaptureQueriesContext(connection) as captured:
        shown(client, mailing)

    counts = [query for query in captured if "COUNT(" in query["sql"]]
    assert len(counts) == 1
    assert len(captured) <= 15


def test_a_page_in_the_middle_has_its_rows(browser, owner, mailing, add, monkeypatch):
    monkeypatch.setattr(DeliveryAdmin, "list_per_page", 2)
    for number in range(5):
        add(f"Person{number}")

    assert shown(browser(owner), mailing, p=2) == ["Person2", "Person3"]


@pytest.mark.parametrize("key", ["x", "9" * 30, "", "0"])
def test_a_tampered_mailing_is_no_error(browser, owner, add, key):
    add("Ada")

    response = browser(owner).get(LIST, {"mailing__id__exact": key}, follow=True)

    assert response.status_code == 200


def test_a_foreign_mailing_shows_nothing(browser, colleague, mailing, add):
    add("Ada")
    client = browser(colleague)

    response = client.get(LIST, {"mailing__id__exact": mailing.pk})

    assert not response.context["cl"].result_list
    assert "spring" not in response.content.decode()


def test_nothing_found_offers_the_way_back(browser, owner, mailing, add):
    add("Ada")

    html = (
        browser(owner)
        .get(LIST, {"mailing__id__exact": mailing.pk, "q": "nobody"})
        .content.decode()
    )

    assert "No recipient of this mailing is like that." in html
    assert f"?mailing__id__exact={mailing.pk}" in html


def test_every_outcome_of_a_recipient_has_words():
    reasons = {
        rule.outcome.reason for rule in RULES if rule.outcome.scope is Scope.RECIPIENT
    }

    assert reasons - OF_RECIPIENTS.keys() == set()


def test_an_unknown_reason_is_shown_as_it_is():
    assert reason_words("no_such_reason") == "no such reason"
    assert reason_words("") == ""
