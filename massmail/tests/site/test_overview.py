"""The index of Mass mail says what runs, what needs the reader, and how to begin."""

from __future__ import annotations

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from massmail.models import Delivery
from massmail.tests.factories import (
    DeliveryFactory,
    EmailAccountFactory,
    EmlMessageFactory,
    MailingOutFactory,
    SignatureFactory,
)

HIDDEN = ("masscontact", "accountevent", "emlaccountsqueue", "messageversion")


@pytest.fixture
def index(browser):
    def load(user):
        response = browser(user).get(reverse("admin:app_list", args=["massmail"]))
        assert response.status_code == 200
        return response.context["facts"], response.content.decode()

    return load


def running(owner, **fields):
    return MailingOutFactory(owner=owner, launched=True, **fields)


def names(entries):
    return [entry["name"] for entry in entries]


def test_what_runs_is_shown_with_its_progress(index, owner, colleague):
    mine, foreign = running(owner), running(colleague)
    DeliveryFactory(mailing=mine, status="sent")
    DeliveryFactory(mailing=mine)
    MailingOutFactory(owner=owner, launched=True, status="P")

    facts, html = index(owner)

    [row] = facts["running"]["mailings"]
    assert row["mailing"] == mine
    assert row["facts"]["texts"]["summary"] == "1 sent, 1 waiting"
    assert foreign.name not in html


def test_what_needs_a_decision_is_named_with_its_page(index, owner):
    account = EmailAccountFactory(
        owner=owner, state="stopped", state_reason="bad_login"
    )
    held = running(owner, status="E", stop_reason="reputation")
    unsure = running(owner, status="E")
    DeliveryFactory(mailing=unsure, status="uncertain", reason="worker_lost")
    for _number in range(2):
        DeliveryFactory(mailing=unsure, status="failed", reason="refused")

    facts, html = index(owner)

    assert names(facts["needs"]) == [account.name, held.name, unsure.name, unsure.name]
    assert "1 message is uncertain" in html
    assert "2 messages failed." in html
    assert f"/massmail/mailingout/{unsure.pk}/uncertain/" in html
    assert f"/massmail/emailaccount/{account.pk}/change/" in html


def test_old_failures_are_no_news(index, owner):
    long_ago = timezone.now() - dt.timedelta(days=20)
    old = running(owner, status="D", finished_at=long_ago, totals={"failed": 3})

    facts, _html = index(owner)

    assert old.name not in names(facts["needs"])


def test_nothing_of_a_colleague_needs_me_but_a_superuser_looks_after_all(
    index, colleague, owner, superuser
):
    EmailAccountFactory(owner=colleague, name="theirs", state="stopped")

    assert index(owner)[0]["needs"] == []
    assert names(index(superuser)[0]["needs"]) == ["theirs"]


def test_drafts_are_not_forgotten(index, owner, colleague):
    mine = MailingOutFactory(owner=owner)
    MailingOutFactory(owner=colleague)

    assert names(index(owner)[0]["drafts"]) == [mine.name]


def test_the_chart_counts_the_last_seven_days_of_what_is_visible(
    index, owner, colleague
):
    now = timezone.now()
    mailing = running(owner)
    for days, status in ((0, "sent"), (0, "failed"), (6, "sent"), (8, "sent")):
        at = now - dt.timedelta(days=days)
        row = DeliveryFactory(mailing=mailing, status=status)
        Delivery.objects.filter(pk=row.pk).update(
            sent_at=at if status == "sent" else None, result_at=at
        )
    foreign = DeliveryFactory(mailing=running(colleague), status="sent")
    Delivery.objects.filter(pk=foreign.pk).update(sent_at=now, result_at=now)

    facts, html = index(owner)

    assert [(day.sent, day.failed) for day in facts["days"]] == [
        (1, 0),
        *[(0, 0)] * 5,
        (1, 1),
    ]
    assert "2 sent, 1 failed" in html


def test_the_checklist_leads_a_new_manager_and_leaves(index, owner):
    facts, html = index(owner)
    assert [entry["is_done"] for entry in facts["steps"]] == [False] * 5
    assert "/massmail/emailaccount/add/" in html

    account = EmailAccountFactory(owner=owner)
    SignatureFactory(owner=owner)
    EmlMessageFactory(owner=owner)
    facts, _html = index(owner)
    assert [entry["is_done"] for entry in facts["steps"]] == [True] * 3 + [False] * 2

    DeliveryFactory(
        kind="test",
        mailing=None,
        email_account=account,
        version=None,
        recipient__owner=owner,
    )
    running(owner)
    assert index(owner)[0]["steps"] == []


def test_each_step_links_to_the_guide_where_there_is_one(index, owner, settings):
    guide = "https://help.example.com/guide"
    settings.MASSMAIL = settings.MASSMAIL | {"USER_GUIDE_URL": guide}

    assert f'href="{guide}#send-a-test"' in index(owner)[1]


def test_technical_lists_are_off_the_managers_index(index, owner, superuser):
    lists = [f'href="/massmail/{name}/"' for name in HIDDEN]

    assert not [name for name in lists if name in index(owner)[1]]
    assert all(name in index(superuser)[1] for name in lists)


def test_its_cost_does_not_grow_with_what_there_is(
    index, owner, django_assert_max_num_queries
):
    for _number in range(12):
        mailing = running(owner)
        DeliveryFactory(mailing=mailing, email_account__owner=owner)
        DeliveryFactory(mailing=mailing, status="failed", reason="refused")

    with django_assert_max_num_queries(75):
        index(owner)
