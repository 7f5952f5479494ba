"""The list of mailings: each with its progress, at a cost that stays bounded."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from massmail.models import MailingOut
from massmail.site.mailing_facts import EXPLAINED
from massmail.tests.factories import DeliveryFactory, MailingOutFactory
from massmail.tests.site.conftest import page

LIST = page(MailingOut, "changelist")
PROGRESS = "/massmail/mailingout/progress/"


def rows(response):
    return {row.pk: row.facts for row in response.context["cl"].result_list}


def test_each_line_has_its_numbers(browser, owner):
    mailing = MailingOutFactory(owner=owner, launched=True)
    for status in ("sent", "sent", "queued", "skipped"):
        DeliveryFactory(mailing=mailing, status=status)
    done = MailingOutFactory(
        owner=owner, launched=True, status="D", totals={"sent": 7, "failed": 1}
    )

    response = browser(owner).get(LIST)

    facts = rows(response)
    assert facts[mailing.pk]["texts"]["summary"] == "2 sent, 1 waiting, 1 not mailed"
    assert facts[mailing.pk]["percent"] == 75
    assert facts[done.pk]["texts"]["summary"] == "7 sent, 1 failed"
    assert 'aria-label="7 sent, 1 failed"' in response.content.decode()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "draft"),
        ({"launched": True}, "active"),
        ({"launched": True, "status": "P"}, "paused"),
        ({"launched": True, "status": "E"}, "needs attention"),
        ({"launched": True, "status": "E", "stop_reason": "reputation"}, "stopped"),
        ({"launched": True, "status": "I"}, "cancelled"),
        ({"launched": True, "status": "D"}, "done"),
    ],
)
def test_the_status_reads_as_words(browser, owner, fields, words):
    mailing = MailingOutFactory(owner=owner, **fields)

    texts = rows(browser(owner).get(LIST))[mailing.pk]["texts"]

    assert texts["status"] == words


def test_what_lies_ahead_is_scheduled(browser, owner):
    ahead = timezone.now() + dt.timedelta(days=1)
    mailing = MailingOutFactory(owner=owner, launched=True, start_at=ahead)
    DeliveryFactory(mailing=mailing)

    texts = rows(browser(owner).get(LIST))[mailing.pk]["texts"]

    assert texts["status"] == "scheduled"
    assert texts["sentence"] == "It is scheduled for a later time."


def test_running_ones_say_what_they_wait_for_and_ended_ones_nothing(browser, owner):
    paused = MailingOutFactory(owner=owner, launched=True, status="P")
    done = MailingOutFactory(owner=owner, launched=True, status="D")

    facts = rows(browser(owner).get(LIST))

    assert facts[paused.pk]["texts"]["sentence"].startswith("It was paused")
    assert facts[done.pk]["texts"]["sentence"] == ""


def test_the_cost_of_the_list_is_bounded(browser, owner, django_assert_max_num_queries):
    for _number in range(EXPLAINED + 10):
        mailing = MailingOutFactory(owner=owner, launched=True)
        DeliveryFactory(mailing=mailing, email_account__owner=owner)
        DeliveryFactory(mailing=mailing, status="sent")
    for _number in range(20):
        MailingOutFactory(owner=owner, launched=True, status="D")
    client = browser(owner)

    with django_assert_max_num_queries(15 + 10 * EXPLAINED):
        response = client.get(LIST)

    assert len(rows(response)) == EXPLAINED + 30


def test_one_request_refreshes_all_lines(browser, owner, colleague):
    mine = [MailingOutFactory(owner=owner, launched=True) for _number in range(2)]
    foreign = MailingOutFactory(owner=colleague)
    ids = ",".join(str(row.pk) for row in (*mine, foreign))
    client = browser(owner)

    shown = rows(client.get(LIST))
    response = client.get(PROGRESS, {"ids": ids})

    assert response.json() == {"mailings": {str(pk): shown[pk] for pk in shown}}
    assert "no-store" in response.headers["Cache-Control"]


@pytest.mark.parametrize("ids", ["", "x", "1,,x", "9" * 30, "-1", "²", "1;2"])
def test_a_tampered_refresh_brings_nothing(browser, owner, ids):
    response = browser(owner).get(PROGRESS, {"ids": ids})

    assert response.json() == {"mailings": {}}


def test_an_empty_list_says_how_to_begin(browser, owner):
    html = browser(owner).get(LIST).content.decode()

    assert "There are no mailings yet." in html


@pytest.mark.urls("massmail.tests.site.urls")
def test_an_empty_list_leads_to_the_recipients(browser, superuser):
    html = browser(superuser).get(LIST).content.decode()

    assert 'href="/hostapp/customer/"' in html
    assert "Create a mailing" in html


def test_a_filter_without_result_offers_the_way_back(browser, owner):
    MailingOutFactory(owner=owner)

    html = browser(owner).get(LIST, {"status__exact": "D"}).content.decode()

    assert "No mailing is like that." in html
