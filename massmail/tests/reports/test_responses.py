"""People and machines apart."""

from __future__ import annotations

import itertools

import pytest

from massmail.models import DeliveryEvent, TrackedLink
from massmail.models.delivery_event import RETURNED_KINDS
from massmail.reports.responses import Response, responses_of
from massmail.reports.returns import returned_counts
from massmail.tests.factories import NOW, DeliveryFactory, MailingOutFactory

pytestmark = pytest.mark.django_db
numbers = itertools.count()


@pytest.fixture
def mailing():
    return MailingOutFactory(launched=True)


@pytest.fixture
def links(mailing):
    return [
        TrackedLink.objects.create(
            version=mailing.version, position=number, url=f"https://x.example/{number}"
        )
        for number in range(2)
    ]


def happened(delivery, kind, link=None, *, machine=False) -> None:
    DeliveryEvent.objects.create(
        delivery=delivery,
        kind=kind,
        link=link,
        is_machine=machine,
        occurred_at=NOW,
        source_key=f"test:{next(numbers)}",
    )


def test_a_click_implies_an_open_and_nobody_counts_twice(mailing, links):
    reader, clicker, scanned, both = DeliveryFactory.create_batch(
        4, mailing=mailing, status="sent"
    )
    for _again in range(3):
        happened(reader, "opened")
    happened(clicker, "clicked", links[0])
    happened(clicker, "clicked", links[1])
    happened(scanned, "opened", machine=True)
    happened(scanned, "clicked", links[0], machine=True)
    happened(both, "opened", machine=True)
    happened(both, "clicked", links[0])
    happened(reader, "unsubscribed")
    happened(DeliveryFactory(status="sent"), "clicked")

    found = responses_of(mailing)

    assert found.opened == Response(people=3, machines=1)
    assert found.clicked == Response(people=2, machines=1)
    assert found.unsubscribed == 1
    assert [(row.link, row.people, row.machines) for row in found.links] == [
        (links[0], 2, 1),
        (links[1], 1, 0),
    ]


def test_the_cost_does_not_grow_with_the_events(
    mailing, links, django_assert_num_queries
):
    for delivery in DeliveryFactory.create_batch(5, mailing=mailing, status="sent"):
        happened(delivery, "clicked", links[0])

    with django_assert_num_queries(2):
        assert responses_of(mailing).clicked.people == 5


def test_a_draft_has_no_answers():
    found = responses_of(MailingOutFactory())

    assert (found.opened, found.links) == (Response(0, 0), [])


def test_each_recipient_comes_back_once_in_each_way(mailing, django_assert_num_queries):
    first, second = DeliveryFactory.create_batch(2, mailing=mailing, status="sent")
    for row in (first, first, second):
        happened(row, "bounced")
    happened(first, "replied")
    happened(first, "opened")
    happened(DeliveryFactory(status="sent"), "complained")
    between = DeliveryFactory(status="sent")
    happened(between, "bounced")
    DeliveryFactory(mailing=mailing)

    with django_assert_num_queries(2):
        found = returned_counts(mailing)

    assert found == {"bounced": 2, "complained": 0, "replied": 1, "auto_replied": 0}


def test_what_came_back_is_counted_along_its_own_indexes(mailing, plans):
    for row in DeliveryFactory.create_batch(3, mailing=mailing, status="sent"):
        for kind in (*RETURNED_KINDS, *["opened"] * 100):
            happened(row, kind)

    found = plans(lambda: returned_counts(mailing), "COUNT(DISTINCT", analysed=True)

    [plan] = found
    for kind in RETURNED_KINDS:
        assert f"events_{kind}" in plan
