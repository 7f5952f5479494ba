"""A mailing's page says how it goes, and its refreshes say the same."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from massmail.audience.selection import store_selection
from massmail.models import EmailAccount, Heartbeat, MailingOut, MessageVersion
from massmail.orchestrator import lifecycle
from massmail.recipients.access import AccessPolicy
from massmail.site.moments import moment_text
from massmail.tests.factories import (
    DeliveryFactory,
    EmailAccountFactory,
    EmlMessageFactory,
    MailingOutFactory,
)
from massmail.tests.hostapp.models import Customer
from massmail.tests.mailings import add_customers, draft, ready_settings
from massmail.tests.site.conftest import page


@pytest.fixture
def ready(owner):
    """A draft to three customers that can be launched."""
    ready_settings()
    EmailAccountFactory(owner=owner, name="News")
    return draft(owner)


@pytest.fixture
def running(owner):
    """One row in each state, launched."""
    mailing = MailingOutFactory(owner=owner, launched=True, recipients_count=8)
    account = EmailAccountFactory(owner=owner)
    for status in ("queued", "claimed", "sending", "sent", "sent", "uncertain"):
        DeliveryFactory(mailing=mailing, email_account=account, status=status)
    DeliveryFactory(
        mailing=mailing, email_account=account, status="failed", reason="mailbox_full"
    )
    DeliveryFactory(
        mailing=mailing, email_account=None, status="skipped", reason="opted_out"
    )
    return mailing


def facts(client, mailing):
    response = client.get(page(mailing, "progress"))
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    assert "no-store" in response.headers["Cache-Control"]
    return response.json()


def test_the_numbers_are_counted_by_what_a_manager_tells_apart(browser, owner, running):
    found = facts(browser(owner), running)

    numbers = ("chosen", "sent", "waiting", "skipped", "failed", "uncertain")
    assert [found["texts"][name] for name in numbers] == ["8", "2", "3", "1", "1", "1"]
    assert found["percent"] == 50
    assert sum(part["length"] for part in found["bar"]) == 1000
    assert found["is_live"]
    assert not found["is_final"]


def test_the_page_and_its_refresh_tell_the_same(browser, owner, running):
    client = browser(owner)

    shown = client.get(page(running)).context["facts"]
    refreshed = client.get(page(running, "progress"), {"forecast": "1"}).json()

    assert refreshed == shown


def test_the_page_needs_no_script(browser, owner, running):
    html = browser(owner).get(page(running)).content.decode()

    assert 'aria-label="2 sent, 3 waiting, 1 not mailed, 1 failed, 1 uncertain"' in html
    assert '<strong data-field="sent">2</strong>' in html
    assert " style=" not in html.partition('class="massmail mm-panel"')[2]
    assert "<script>" not in html


def test_each_number_and_each_reason_leads_to_its_recipients(browser, owner, running):
    client = browser(owner)
    shown = client.get(page(running)).context

    def rows(url):
        return [row.status for row in client.get(url).context["cl"].result_list]

    assert rows(shown["lists"]["waiting"]) == ["queued", "claimed", "sending"]
    assert rows(shown["lists"]["sent"]) == ["sent", "sent"]
    assert len(rows(shown["lists"]["chosen"])) == 8
    reasons = shown["facts"]["fragments"]["reasons"]
    assert "the mailbox is full" in reasons
    assert "opted out" in reasons
    assert f"mailing__id__exact={running.pk}&amp;state=failed" in reasons
    assert "reason=mailbox_full" in reasons


def test_the_sentence_says_why_it_waits_and_until_when(browser, owner, ready):
    launched = lifecycle.launch(ready, by=owner)
    until = timezone.now() + dt.timedelta(hours=2)
    EmailAccount.objects.update(
        state="paused", state_reason="server_busy", paused_until=until
    )

    texts = facts(browser(owner), launched)["texts"]

    assert texts["sentence"].startswith("The account News rests")
    assert timezone.localtime(until).tzname() in texts["next_at"]
    assert texts["next_at"].startswith("It continues")


def test_what_has_not_begun_does_not_continue(browser, owner, ready):
    ready.start_at = timezone.now() + dt.timedelta(days=2)
    ready.save()
    launched = lifecycle.launch(ready, by=owner)

    texts = facts(browser(owner), launched)["texts"]

    assert texts["status"] == "scheduled"
    assert texts["next_at"].startswith("It begins")


def test_what_goes_on_at_once_names_no_time(browser, owner, ready):
    launched = lifecycle.launch(ready, by=owner)
    for name in (Heartbeat.BEAT, Heartbeat.WORKER):
        Heartbeat.objects.beat(name, timezone.now())

    texts = facts(browser(owner), launched)["texts"]

    assert texts["sentence"] == "It is being sent."
    assert texts["next_at"] == ""


def test_a_draft_says_when_it_would_be_finished_and_by_whom(browser, owner, ready):
    html = browser(owner).get(page(ready)).context["facts"]["fragments"]["forecast"]

    assert "If you launch it now, it will be finished by" in html
    assert "News" in html
    assert '<td data-label="To send">3</td>' in html


def test_it_says_who_will_not_be_mailed_before_its_end(browser, owner, ready):
    end = timezone.now() + dt.timedelta(hours=2)
    MailingOut.objects.filter(pk=ready.pk).update(expires_at=end)
    client = browser(owner)
    assert "will be left out" not in client.get(page(ready)).content.decode()

    EmailAccount.objects.update(per_day=1)

    html = client.get(page(ready)).context["facts"]["fragments"]["forecast"]
    assert "2 recipients will not be mailed before its end (" in html
    assert f"finished by {moment_text(end)}" in html


def test_a_draft_says_who_lacks_an_account(browser, owner):
    mailing = draft(owner)

    html = browser(owner).get(page(mailing)).context["facts"]["fragments"]["forecast"]

    assert "There is no account to send to 3 recipients." in html


def test_in_the_end_the_accounts_tell_what_they_sent(browser, owner):
    account = EmailAccountFactory(owner=owner, name="News")
    mailing = MailingOutFactory(owner=owner, launched=True, status="D")
    for _number in range(2):
        DeliveryFactory(mailing=mailing, email_account=account, status="sent")

    shown = browser(owner).get(page(mailing)).context["facts"]

    assert "News" in shown["fragments"]["forecast"]
    assert '<td data-label="Sent">2</td>' in shown["fragments"]["forecast"]
    assert not shown["is_live"]


def test_while_recipients_are_added_their_number_is_told(browser, owner):
    add_customers(owner, 3)
    mailing = store_selection(
        owner=owner,
        message=EmlMessageFactory(owner=owner),
        recipients=Customer.objects.all(),
    )
    client = browser(owner)

    found = facts(client, mailing)
    html = client.get(page(mailing)).content.decode()

    assert found["preparing"] == {
        "is_on": True,
        "done": 0,
        "chosen": 3,
        "text": "0 of 3 recipients are added.",
    }
    assert found["is_live"]
    assert found["actions"] == {
        "launch": False,
        "resume": False,
        "pause": False,
        "schedule": False,
        "cancel": True,
    }
    assert "data-live" in html


@pytest.mark.parametrize(
    ("fields", "fitting"),
    [
        ({"status": "P"}, {"launch", "cancel"}),
        ({"status": "A", "launched": True}, {"pause", "schedule", "cancel"}),
        ({"status": "E", "launched": True}, {"pause", "schedule", "cancel"}),
        (
            {"status": "E", "launched": True, "stop_reason": "reputation"},
            {"resume", "schedule", "cancel"},
        ),
        ({"status": "P", "launched": True}, {"resume", "schedule", "cancel"}),
        ({"status": "D", "launched": True}, set()),
        ({"status": "I", "launched": True}, set()),
    ],
    ids=["draft", "active", "uncertain", "stopped", "paused", "done", "cancelled"],
)
def test_only_what_makes_sense_is_offered(browser, owner, fields, fitting):
    mailing = MailingOutFactory(owner=owner, **fields)

    offered = facts(browser(owner), mailing)["actions"]

    assert {name for name, fits in offered.items() if fits} == fitting


def test_who_only_may_look_gets_no_buttons(browser, owner, colleague, monkeypatch):
    mailing = MailingOutFactory(owner=owner)
    monkeypatch.setattr(AccessPolicy, "visible", lambda self, user, rows: rows)

    html = browser(colleague).get(page(mailing)).content.decode()

    assert "data-action=" not in html


def test_strangers_learn_nothing(browser, colleague, running):
    client = browser(colleague)

    for kind in ("progress", "launch", "cancel"):
        assert client.get(page(running, kind)).status_code == 404
    for kind in ("launch", "cancel", "pause", "resume"):
        assert client.post(page(running, kind)).status_code == 404
    running.refresh_from_db()
    assert running.status == MailingOut.Status.ACTIVE


def test_the_cost_of_a_refresh_does_not_grow_with_the_mailing(
    browser, owner, django_assert_max_num_queries
):
    mailing = draft(owner, customers=50)
    client = browser(owner)

    with django_assert_max_num_queries(12):
        facts(client, mailing)


@pytest.mark.parametrize("is_noted", [True, False])
def test_machines_are_told_of_only_where_opens_or_clicks_are_noted(
    browser, owner, running, is_noted
):
    MessageVersion.objects.update(tracks_opens=is_noted)

    html = browser(owner).get(page(running)).text

    assert "What came of it" in html and "unsubscribed" in html
    assert ("Only machines" in html) is is_noted
