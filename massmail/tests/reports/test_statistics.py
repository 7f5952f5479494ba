"""Numbers of mailings: groups, the bar, percent."""

from __future__ import annotations

import pytest

from massmail.models import Delivery
from massmail.reports.statistics import (
    BAR_LENGTH,
    STATES,
    Group,
    Progress,
    no_rows,
    progress_of,
    reason_counts,
    shares,
)
from massmail.tests.factories import DeliveryFactory, MailingOutFactory


def progress(**counts: int) -> Progress:
    return Progress(no_rows() | counts)


def test_each_state_belongs_to_one_group():
    found = sorted(state for states in STATES.values() for state in states)

    assert found == sorted(Delivery.Status.values)


def test_states_are_summed_by_group():
    groups = progress(queued=1, claimed=2, sending=3, sent=4, skipped=5).groups

    assert groups == {
        Group.SENT: 4,
        Group.WAITING: 6,
        Group.SKIPPED: 5,
        Group.FAILED: 0,
        Group.UNCERTAIN: 0,
    }


@pytest.mark.parametrize(
    ("counts", "percent"),
    [
        ({}, 0),
        ({"queued": 3}, 0),
        ({"sent": 1, "queued": 2}, 33),
        ({"sent": 1, "skipped": 1, "failed": 1, "queued": 1}, 75),
        ({"sent": 99_999, "queued": 1}, 99),
        ({"sent": 99_999, "uncertain": 1}, 99),
        ({"sent": 3, "failed": 1}, 100),
    ],
    ids=str,
)
def test_a_hundred_percent_means_that_all_is_settled(counts, percent):
    assert progress(**counts).percent == percent


@pytest.mark.parametrize(
    "counts",
    [
        {"sent": 1},
        {"sent": 99_999, "failed": 1},
        {"sent": 1, "skipped": 1, "failed": 1, "uncertain": 1, "queued": 1},
        {"sent": 333, "skipped": 333, "queued": 334},
    ],
    ids=str,
)
def test_the_bar_is_whole_and_shows_every_group_that_has_rows(counts):
    segments = progress(**counts).bar

    assert sum(segment.length for segment in segments) == BAR_LENGTH
    groups = progress(**counts).groups
    for segment in segments:
        assert bool(segment.length) is bool(groups[segment.group])
    ends = [segment.start + segment.length for segment in segments]
    assert [segment.start for segment in segments] == [0, *ends[:-1]]


def test_nothing_has_no_bar():
    assert shares([0, 0]) == [0, 0]


@pytest.mark.django_db
def test_reasons_are_counted_the_most_frequent_first(django_assert_num_queries):
    mailing = MailingOutFactory(launched=True)
    for reason in ("opted_out", "suppressed", "opted_out"):
        DeliveryFactory(mailing=mailing, status="skipped", reason=reason)
    DeliveryFactory(mailing=mailing, status="failed", reason="mailbox_full")

    DeliveryFactory(mailing=mailing, status="failed", reason="")
    DeliveryFactory(mailing=mailing, status="queued", reason="greylisted")

    found = progress_of(mailing)

    with django_assert_num_queries(1):
        counts = reason_counts(mailing, found)

    assert counts == {
        Group.SKIPPED: [("opted_out", 2), ("suppressed", 1)],
        Group.FAILED: [("", 1), ("mailbox_full", 1)],
        Group.UNCERTAIN: [],
    }


@pytest.mark.django_db
def test_a_done_mailing_brings_its_totals(django_assert_num_queries):
    mailing = MailingOutFactory(launched=True, status="D", totals={"sent": 7})

    with django_assert_num_queries(0):
        assert progress_of(mailing).total == 7
