"""The list of mailings: each with its progress, at a cost that stays bounded."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from massmail.models import Delivery, MailingOut, MassmailSettings
from massmail.site.mailing_facts import EXPLAINED
from massmail.tests.factories import (
    DeliveryFactory,
    EmailAccountFactory,
    EmlMessageFactory,
    GroupFactory,
    MailingOutFactory,
)
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

    with django_assert_max_num_queries(30 + 5 * EXPLAINED):
        response = client.get(LIST)

    assert len(rows(response)) == EXPLAINED + 30


def test_accounts_and_time_zones_of_a_mailing_cost_the_list_nothing(
    browser, owner, django_assert_max_num_queries
):
    MassmailSettings(
        use_business_time=True,
        use_recipient_time_zone=True,
        business_days=[*range(7)],
        business_time_start=dt.time.min,
        business_time_end=dt.time(23, 59, 59),
    ).save()
    mailing = MailingOutFactory(owner=owner, launched=True)
    first = DeliveryFactory(mailing=mailing, email_account__owner=owner)
    Delivery.objects.update(not_before=timezone.now())
    client = browser(owner)
    with django_assert_max_num_queries(60) as one:
        client.get(LIST)
    for zone in ("Europe/Oslo", "Asia/Tokyo", "America/Lima"):
        row = DeliveryFactory(mailing=mailing, email_account__owner=owner)
        for account in (first.email_account, row.email_account):
            DeliveryFactory(mailing=mailing, email_account=account, time_zone=zone)
    Delivery.objects.update(not_before=timezone.now())

    with django_assert_max_num_queries(len(one.captured_queries)):
        client.get(LIST)


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


def sent_at(row, moment):
    Delivery.objects.filter(pk=row.pk).update(sent_at=moment, result_at=moment)


def test_pace_and_end_are_told_while_it_runs(browser, owner):
    mailing = MailingOutFactory(owner=owner, launched=True)
    now = timezone.now()
    for minutes in (5, 20, 70):
        row = DeliveryFactory(mailing=mailing, status="sent")
        sent_at(row, now - dt.timedelta(minutes=minutes))
    DeliveryFactory(mailing=mailing)

    texts = rows(browser(owner).get(LIST))[mailing.pk]["texts"]

    assert texts["today"].endswith("sent today.")
    assert texts["pace"].startswith("2 in the last hour; at this pace until")


def test_what_does_not_go_has_no_pace(browser, owner):
    mailing = MailingOutFactory(owner=owner, launched=True)
    DeliveryFactory(mailing=mailing)

    texts = rows(browser(owner).get(LIST))[mailing.pk]["texts"]

    assert (texts["today"], texts["pace"]) == ("", "")


def test_the_accounts_of_the_rest_are_shown_with_their_state(browser, owner):
    mailing = MailingOutFactory(owner=owner, launched=True)
    for name, fields in (
        ("Fine", {}),
        ("Broken", {"state": "stopped"}),
        ("Tired", {"state": "paused"}),
    ):
        account = EmailAccountFactory(owner=owner, name=name, **fields)
        DeliveryFactory(mailing=mailing, email_account=account)
    used = EmailAccountFactory(owner=owner, name="Used up")
    DeliveryFactory(mailing=mailing, email_account=used, status="sent")

    response = browser(owner).get(LIST)

    told = rows(response)[mailing.pk]["accounts"]
    assert [(entry["name"], entry["words"]) for entry in told] == [
        ("Broken", "stopped"),
        ("Fine", "active"),
        ("Tired", "resting"),
    ]
    assert "mm-tone-stopped" in response.content.decode()


def test_name_and_subject_stand_together(browser, owner):
    message = EmlMessageFactory(owner=owner, subject="Spring offers")
    MailingOutFactory(owner=owner, message=message, name="Mailing 7")

    html = browser(owner).get(LIST).content.decode()

    assert "Mailing 7" in html
    assert "Spring offers" in html


@pytest.mark.parametrize("word", ["Seven", "subject", "tulips", "plain"])
def test_it_is_found_by_name_subject_and_text(browser, owner, word):
    message = EmlMessageFactory(
        owner=owner, subject="A subject", content="<p>tulips</p>", text="plain words"
    )
    wanted = MailingOutFactory(owner=owner, message=message, name="Seven")
    MailingOutFactory(owner=owner, message__content="<p>x</p>", message__subject="y")

    assert set(rows(browser(owner).get(LIST, {"q": word}))) == {wanted.pk}


def test_who_reads_no_messages_cannot_search_their_text(browser, owner):
    message = EmlMessageFactory(owner=owner, content="<p>tulips</p>")
    MailingOutFactory(owner=owner, message=message)
    owner.user_permissions.remove(Permission.objects.get(codename="view_emlmessage"))

    assert rows(browser(owner).get(LIST, {"q": "tulips"})) == {}


def test_it_is_filtered_by_department(browser, superuser):
    north, south = GroupFactory(name="North"), GroupFactory(name="South")
    wanted = MailingOutFactory(department=north)
    MailingOutFactory(department=south)
    client = browser(superuser)

    assert set(rows(client.get(LIST, {"department": north.pk}))) == {wanted.pk}
    assert rows(client.get(LIST, {"department": "99999"})) == {}


def test_it_is_filtered_by_account(browser, owner, colleague):
    mine, other = (EmailAccountFactory(owner=owner) for _number in range(2))
    foreign = EmailAccountFactory(owner=colleague)
    wanted, _rest = (MailingOutFactory(owner=owner, launched=True) for _number in "ab")
    DeliveryFactory(mailing=wanted, email_account=mine, status="sent")
    DeliveryFactory(mailing=_rest, email_account=other)
    planning = MailingOutFactory(owner=owner)
    DeliveryFactory(mailing=planning, email_account=mine)
    client = browser(owner)

    assert set(rows(client.get(LIST, {"account": mine.pk}))) == {wanted.pk}
    assert rows(client.get(LIST, {"account": foreign.pk})) == {}
    assert rows(client.get(LIST, {"account": "x"})) == {}


def test_a_thousand_mailings_cost_what_a_page_costs(
    browser, owner, django_assert_max_num_queries
):
    template = MailingOutFactory(owner=owner, launched=True, status="D")
    MailingOut.objects.bulk_create(
        MailingOut(
            owner=owner,
            name=f"mailing {number}",
            message=template.message,
            content_type=template.content_type,
            status="D",
            launched_at=template.launched_at,
        )
        for number in range(1000)
    )
    client = browser(owner)

    with django_assert_max_num_queries(25):
        response = client.get(LIST)

    assert len(rows(response)) == 50


def test_a_year_of_no_calendar_leads_back_to_the_list(browser, owner):
    MailingOutFactory(owner=owner, name="spring")

    answer = browser(owner).get(
        page(MailingOut, "changelist"), {"created_at__year": "9999"}, follow=True
    )

    assert answer.redirect_chain
    assert "spring" in answer.text
