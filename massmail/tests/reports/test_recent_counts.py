"""A large mailing is counted once for all who watch it, others each time."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.urls import reverse

from massmail.models import Delivery, MailingOut
from massmail.reports import recent_counts as module
from massmail.reports.recent_counts import MANY, recent_counts
from massmail.tests.factories import DeliveryFactory, MailingOutFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def mailing():
    mailing = MailingOutFactory(launched=True, recipients_count=MANY)
    DeliveryFactory.create_batch(2, mailing=mailing)
    return mailing


def waiting(mailing):
    return recent_counts([mailing])[mailing.pk]["queued"]


def one_more_is_skipped(mailing):
    row = Delivery.objects.filter(mailing=mailing, status="queued").first()
    Delivery.objects.filter(pk=row.pk).update(status="skipped", reason="opted_out")


def test_a_large_mailing_is_not_counted_for_each_viewer(
    mailing, django_assert_num_queries
):
    assert waiting(mailing) == 2
    one_more_is_skipped(mailing)

    with django_assert_num_queries(0):
        assert waiting(mailing) == 2

    cache.clear()  # as after some seconds
    assert waiting(mailing) == 1


@pytest.mark.parametrize("change", [{"status": "P"}, {"stop_reason": "reputation"}])
def test_what_is_decided_about_it_is_seen_at_once(mailing, change):
    assert waiting(mailing) == 2
    one_more_is_skipped(mailing)
    MailingOut.objects.filter(pk=mailing.pk).update(**change)
    mailing.refresh_from_db()

    assert waiting(mailing) == 1


@pytest.mark.parametrize(
    "change", [{"recipients_count": MANY - 1}, {"launched_at": None}]
)
def test_smaller_ones_and_drafts_are_counted_each_time(mailing, change):
    MailingOut.objects.filter(pk=mailing.pk).update(**change)
    mailing.refresh_from_db()
    assert waiting(mailing) == 2
    one_more_is_skipped(mailing)

    assert waiting(mailing) == 1


def test_kept_and_counted_mailings_come_together(mailing):
    other = MailingOutFactory(launched=True)
    DeliveryFactory(mailing=other)
    waiting(mailing)

    counts = recent_counts([other, mailing])

    assert {pk: found["queued"] for pk, found in counts.items()} == {
        mailing.pk: 2,
        other.pk: 1,
    }


class BrokenCache:
    def get_many(self, keys):
        raise ConnectionError

    def set_many(self, counts, seconds):
        raise ConnectionError


def test_a_cache_that_is_away_costs_a_count(mailing, monkeypatch):
    monkeypatch.setattr(module, "cache", BrokenCache())

    assert waiting(mailing) == 2


@pytest.mark.parametrize(
    ("query", "listed"), [("", 2), ("&state=waiting", 2), ("&state=skipped", 0)]
)
def test_the_list_of_recipients_takes_its_length_from_them(
    mailing, admin_client, query, listed
):
    waiting(mailing)
    one_more_is_skipped(mailing)
    url = reverse("admin:massmail_delivery_changelist")

    page = admin_client.get(f"{url}?mailing__id__exact={mailing.pk}{query}")

    assert page.context["cl"].result_count == listed


@pytest.mark.parametrize("query", ["&reason=opted_out", "&q=@"])
def test_a_narrower_list_is_counted(mailing, admin_client, query):
    one_more_is_skipped(mailing)
    url = reverse("admin:massmail_delivery_changelist")

    page = admin_client.get(f"{url}?mailing__id__exact={mailing.pk}{query}")

    assert page.context["cl"].result_count == (1 if "reason" in query else 2)
