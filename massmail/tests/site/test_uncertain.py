"""Uncertain and failed rows: the pages on which a person decides."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.utils import timezone

from massmail.models import Delivery, DeliveryEvent, MailingOut, SuppressedAddress
from massmail.orchestrator.walk import walk_account_queues
from massmail.tests.factories import NOW, DeliveryFactory, MailingOutFactory
from massmail.tests.mailings import states
from massmail.tests.site.conftest import page

LATER = "2099-01-01T00:00:00+00:00"


@pytest.fixture
def mailing(owner):
    mailing = MailingOutFactory(owner=owner, launched=True, status="E")
    for number, reason in enumerate(["no_answer_after_dot", "worker_lost", ""]):
        DeliveryFactory(
            mailing=mailing,
            status="uncertain",
            reason=reason,
            sending_at=NOW,
            result_at=NOW,
            message_id=f"<{number}@example.com>",
        )
    return mailing


def rows(mailing: MailingOut) -> list[int]:
    return list(mailing.deliveries.order_by("pk").values_list("pk", flat=True))


def answer(decision: str, **fields: object) -> dict[str, object]:
    return {"decision": decision, "seen_at": LATER, **fields}


def test_the_list_says_who_when_and_why(browser, owner, mailing):
    first = mailing.deliveries.first()

    body = browser(owner).get(page(mailing, "uncertain")).content.decode()

    assert first.address in body
    assert "&lt;0@example.com&gt;" in body
    assert "the connection broke before the server answered" in body
    assert "the sender stopped before the server answered" in body


def test_the_mailings_page_leads_there(browser, owner, mailing):
    body = browser(owner).get(page(mailing)).content.decode()

    assert page(mailing, "uncertain") in body


def test_a_choice_is_asked_back_before_it_counts(browser, owner, mailing):
    chosen = rows(mailing)[:2]

    response = browser(owner).post(
        page(mailing, "uncertain"), answer("sent", rows=chosen)
    )

    assert response.context["count"] == 2
    assert "never sent again" in response.content.decode()
    assert states(mailing) == {"uncertain": 3}


@pytest.mark.parametrize(
    ("decision", "after", "told"),
    [
        ("sent", "sent", "2 messages count as sent."),
        ("again", "queued", "2 messages are sent again."),
    ],
)
def test_a_confirmed_choice_decides_the_ticked_rows(
    browser, owner, mailing, decision, after, told
):
    data = answer(decision, rows=rows(mailing)[:2], confirmed="yes")

    response = browser(owner).post(page(mailing, "uncertain"), data, follow=True)

    assert told in response.content.decode()
    assert response.redirect_chain == [(page(mailing, "uncertain"), 302)]
    assert states(mailing) == {"uncertain": 1, after: 2}
    assert set(DeliveryEvent.objects.values_list("by", flat=True)) == {owner.pk}
    assert LogEntry.objects.get().object_id == str(mailing.pk)


def test_all_of_them_at_once_ends_at_the_mailing(browser, owner, mailing):
    data = answer("sent", everything="on", confirmed="yes")

    response = browser(owner).post(page(mailing, "uncertain"), data)

    assert response["Location"] == page(mailing)
    assert states(mailing) == {"sent": 3}


def test_all_are_those_that_were_there_when_the_list_was_shown(browser, owner, mailing):
    client = browser(owner)
    seen_at = client.get(page(mailing, "uncertain")).context["seen_at"]
    late = DeliveryFactory(
        mailing=mailing,
        status="uncertain",
        result_at=timezone.now() + dt.timedelta(seconds=1),
    )
    mailing.deliveries.exclude(pk=late.pk).update(
        result_at=timezone.now() - dt.timedelta(days=1)
    )
    data = {"decision": "again", "everything": "on", "confirmed": "yes"}

    client.post(page(mailing, "uncertain"), data | {"seen_at": seen_at})

    assert states(mailing) == {"queued": 3, "uncertain": 1}
    assert Delivery.objects.get(pk=late.pk).status == "uncertain"


def test_what_was_settled_meanwhile_is_left_alone(browser, owner, mailing):
    first, *others = rows(mailing)
    Delivery.objects.filter(pk=first).update(status="sent")
    data = answer("again", rows=[first, *others], confirmed="yes")

    response = browser(owner).post(page(mailing, "uncertain"), data, follow=True)

    assert "2 messages are sent again." in response.content.decode()
    assert Delivery.objects.get(pk=first).status == "sent"


def test_rows_of_another_mailing_are_not_decided_here(browser, owner, mailing):
    foreign = DeliveryFactory(status="uncertain")
    data = answer("sent", rows=[foreign.pk], confirmed="yes")

    response = browser(owner).post(page(mailing, "uncertain"), data, follow=True)

    assert "Nothing was left to decide" in response.content.decode()
    foreign.refresh_from_db()
    assert foreign.status == "uncertain"


@pytest.mark.parametrize(
    "data",
    [
        {},
        answer("sent"),
        answer("delete", rows=[1]),
        answer("sent", rows=["x"]),
        answer("sent", rows=["9" * 30]),
        {"decision": "sent", "everything": "on"},
        {"decision": "sent", "everything": "on", "seen_at": "yesterday"},
    ],
    ids=["nothing", "no row", "no decision", "no key", "big", "no time", "odd time"],
)
def test_what_makes_no_sense_is_refused_with_words(browser, owner, mailing, data):
    response = browser(owner).post(
        page(mailing, "uncertain"), data | {"confirmed": "yes"}, follow=True
    )

    assert 'class="error"' in response.content.decode()
    assert states(mailing) == {"uncertain": 3}


# Cancelled, and one whose time has passed.
OVER = [{"status": "I"}, {"expires_at": NOW - dt.timedelta(days=999)}]


@pytest.mark.parametrize("how", OVER)
def test_in_a_mailing_that_is_over_nothing_is_sent_again(browser, owner, mailing, how):
    MailingOut.objects.filter(pk=mailing.pk).update(**how)
    client = browser(owner)
    data = answer("again", everything="on", confirmed="yes")

    shown = client.get(page(mailing, "uncertain")).content.decode()
    response = client.post(page(mailing, "uncertain"), data, follow=True)

    assert "Count as not mailed" in shown
    assert "3 messages count as not mailed." in response.content.decode()
    walk_account_queues()
    assert states(mailing) == {"skipped": 3}


def test_who_may_see_but_not_decide_is_sent_back(
    browser, owner, colleague, mailing, settings
):
    settings.MASSMAIL = settings.MASSMAIL | {
        "ACCESS_POLICY": "massmail.tests.site.test_uncertain.Onlookers"
    }
    client = browser(colleague)
    data = answer("sent", everything="on", confirmed="yes")

    for name in ("uncertain", "send_again"):
        response = client.post(page(mailing, name), data, follow=True)
        assert "You may not do this with this mailing." in response.content.decode()
    assert page(mailing, "uncertain") not in client.get(page(mailing)).content.decode()
    assert states(mailing) == {"uncertain": 3}


class Onlookers:
    """Everybody sees everything and does nothing."""

    def visible(self, user, queryset):
        return queryset

    def departments(self, user):
        return Group.objects.none()

    def may(self, user, action, obj=None):
        return False


@pytest.mark.parametrize("name", ["uncertain", "send_again"])
def test_a_stranger_finds_nothing(browser, colleague, mailing, name):
    assert browser(colleague).get(page(mailing, name)).status_code == 404
    assert browser(colleague).post(page(mailing, name)).status_code == 404
    assert states(mailing) == {"uncertain": 3}


def test_a_thousand_rows_are_paged_with_few_queries(
    browser, owner, mailing, django_assert_max_num_queries
):
    sample = mailing.deliveries.first()
    Delivery.objects.bulk_create(
        Delivery(
            mailing=mailing,
            status="uncertain",
            content_type=sample.content_type,
            object_id=f"row {number}",
            address=f"row{number}@example.com",
            address_key=str(number),
            email_account=sample.email_account,
            queued_at=NOW,
            not_before=NOW,
        )
        for number in range(1000)
    )
    client = browser(owner)

    with django_assert_max_num_queries(12):
        first = client.get(page(mailing, "uncertain"))
    last = client.get(page(mailing, "uncertain") + "?p=11")

    assert len(first.context["rows"]) == 100
    assert len(last.context["rows"]) == 3
    assert "1,003" in first.content.decode()


def test_nothing_uncertain_is_said(browser, owner):
    mailing = MailingOutFactory(owner=owner, launched=True)

    body = browser(owner).get(page(mailing, "uncertain")).content.decode()

    assert "Nothing is uncertain." in body


@pytest.fixture
def with_failed(owner):
    mailing = MailingOutFactory(owner=owner, launched=True, status="D", totals={})
    for reason in ("gave_up", "unknown_address", "unknown_address"):
        DeliveryFactory(mailing=mailing, status="failed", reason=reason)
    return mailing


def test_send_again_says_why_they_failed_and_who_will_be_skipped(
    browser, owner, with_failed
):
    row = with_failed.deliveries.last()
    SuppressedAddress.objects.suppress(row.address, reason="hard_bounce", source="x")

    response = browser(owner).get(page(with_failed, "send_again"))

    body = response.content.decode()
    assert "<strong>2</strong> recipients could not be mailed and will be" in body
    assert "1 more is not tried again" in body
    assert "Send again to 2 recipients" in body
    assert response.context["reasons"] == [
        ("there is no such mailbox", 2),
        ("given up after several tries", 1),
    ]
    assert response.context["skips"] == [("on the don't-mail list", 1)]
    assert states(with_failed) == {"failed": 3}


def test_send_again_offers_nothing_where_nobody_may_be_mailed_again(
    browser, owner, with_failed
):
    for row in with_failed.deliveries.all():
        SuppressedAddress.objects.suppress(
            row.address, reason="hard_bounce", source="x"
        )

    body = browser(owner).get(page(with_failed, "send_again")).content.decode()

    assert "Nobody of those that failed may be mailed again." in body
    assert "mm-primary" not in body


def test_confirmed_the_failed_rows_wait_again(browser, owner, with_failed):
    response = browser(owner).post(page(with_failed, "send_again"), follow=True)

    assert "3 recipients wait to be mailed again." in response.content.decode()
    assert response.redirect_chain == [(page(with_failed), 302)]
    with_failed.refresh_from_db()
    assert with_failed.status == "A"
    assert states(with_failed) == {"queued": 3}


def test_a_second_click_finds_nothing_to_do(browser, owner, with_failed):
    client = browser(owner)
    client.post(page(with_failed, "send_again"))

    response = client.post(page(with_failed, "send_again"), follow=True)

    assert "Nothing was done" in response.content.decode()
    assert DeliveryEvent.objects.count() == 3


@pytest.mark.parametrize("how", OVER)
def test_failed_rows_of_a_mailing_that_is_over_are_not_offered(
    browser, owner, with_failed, how
):
    MailingOut.objects.filter(pk=with_failed.pk).update(**how)
    client = browser(owner)

    body = client.get(page(with_failed)).content.decode()
    response = client.post(page(with_failed, "send_again"), follow=True)

    assert page(with_failed, "send_again") not in body
    assert "Nothing was done" in response.content.decode()
    assert states(with_failed) == {"failed": 3}
