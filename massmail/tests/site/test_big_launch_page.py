"""A mailing with many recipients: its pages come before all of them are looked at."""

from __future__ import annotations

import pytest
from django.contrib.messages import get_messages

from massmail.models import MailingOut
from massmail.orchestrator.launching import launch_mailings
from massmail.site import launch_page, mailing_out
from massmail.tests.factories import EmailAccountFactory
from massmail.tests.hostapp.models import Customer
from massmail.tests.mailings import draft, ready_settings, states
from massmail.tests.site.conftest import page
from massmail.tests.site.test_launch_page import launch


@pytest.fixture
def big(owner, monkeypatch):
    """Three are many here; one of them has opted out since."""
    monkeypatch.setattr(launch_page, "MANY", 2)
    monkeypatch.setattr(mailing_out, "MANY", 2)
    ready_settings()
    EmailAccountFactory(owner=owner, name="News")
    mailing = draft(owner)
    Customer.objects.filter(name="Customer 0").update(accepts_mailings=False)
    return mailing


def test_the_page_comes_first_and_brings_a_link_to_what_is_found(browser, owner, big):
    response = browser(owner).get(page(big, "launch"))

    assert response.context["plan"].to_mail == 3
    assert response.context["skips"] == []
    html = response.content.decode()
    assert 'href="?check=1"' in html
    assert "check.js" in html
    assert "Nobody is left out" not in html


def test_the_link_shows_what_is_found(browser, owner, big):
    response = browser(owner).get(page(big, "launch"), {"check": "1"})

    assert response.context["plan"].to_mail == 2
    assert [skip["count"] for skip in response.context["skips"]] == [1]
    html = response.content.decode()
    assert "Launch to 2 recipients" in html
    assert "check.js" not in html
    for place in ("lead", "note", "left-out", "forecast", "button"):
        assert html.count(f'data-checked="{place}"') == 1


def test_the_launch_is_kept_and_the_mailings_page_tells_how_far_it_is(
    browser, owner, big
):
    client = browser(owner)

    response = launch(client, big)

    assert response["Location"] == page(big)
    [text] = get_messages(response.wsgi_request)
    assert str(text) == "It is being launched. You need not wait for it."
    big.refresh_from_db()
    assert big.is_launching
    assert states(big) == {"queued": 3}
    facts = client.get(page(big, "progress")).json()
    assert facts["is_live"] is True
    assert facts["texts"]["status"] == "being launched"
    assert facts["preparing"] == {
        "is_on": True,
        "done": 0,
        "chosen": 3,
        "text": "0 of 3 recipients are checked.",
    }
    assert facts["actions"] == {
        "launch": False,
        "resume": False,
        "schedule": False,
        "pause": False,
        "cancel": True,
    }


def test_the_worker_then_launches_it(browser, owner, big):
    client = browser(owner)
    launch(client, big)

    launch_mailings(seconds=60)

    big.refresh_from_db()
    assert big.status == MailingOut.Status.ACTIVE
    assert states(big) == {"queued": 2, "skipped": 1}
    assert client.get(page(big, "progress")).json()["preparing"]["is_on"] is False


def test_what_stands_in_the_way_is_told_at_once(browser, owner, big):
    big.message.content = "<p>Hello</p>"
    big.message.save()

    response = launch(browser(owner), big)

    assert response.status_code == 200
    assert response.context["form"].non_field_errors()
    big.refresh_from_db()
    assert big.is_draft


def test_a_draft_that_is_being_launched_is_not_changed(browser, owner, big):
    client = browser(owner)
    launch(client, big)

    assert client.get(page(big, "launch"))["Location"] == page(big)
    client.post(page(big), {"name": "Other", "message": big.message_id})

    big.refresh_from_db()
    assert big.name != "Other"


def test_the_mailings_page_leaves_the_forecast_for_later(browser, owner, big):
    client = browser(owner)

    shown = client.get(page(big))

    assert "forecast" not in shown.context["facts"]["fragments"]
    assert "data-later" in shown.content.decode()
    later = client.get(page(big, "progress"), {"forecast": "1"}).json()
    assert "News" in later["fragments"]["forecast"]
