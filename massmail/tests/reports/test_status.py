"""A mailing's numbers, counted from its rows."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from massmail.models import MailingOut
from massmail.reports.statistics import counts_by_state
from massmail.reports.status import mailing_status, recipients
from massmail.tests.factories import NOW, DeliveryFactory, MailingOutFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def mailing():
    mailing = MailingOutFactory(launched=True, name="Spring", recipients_count=3)
    DeliveryFactory(
        mailing=mailing,
        status="sent",
        message_id="<1@example.com>",
        smtp_code=250,
        sent_at=NOW,
        attempts=2,
    )
    DeliveryFactory.create_batch(2, mailing=mailing, status="skipped", reason="expired")
    return mailing


def test_a_mailing_as_plain_data(mailing):
    status = mailing_status(mailing)

    assert json.loads(json.dumps(status)) == {
        "id": mailing.pk,
        "name": "Spring",
        "status": "A",
        "status_text": "active",
        "stop_reason": "",
        "recipients_count": 3,
        "counts": mailing.counts(),
        "skipped": {"expired": 2},
        "returned": {
            "bounced": 0,
            "complained": 0,
            "replied": 0,
            "auto_replied": 0,
        },
        "launched_at": NOW.isoformat(),
        "finished_at": None,
    }


def test_each_recipient_as_plain_data(mailing):
    first, *others = recipients(mailing)

    row = mailing.deliveries.get(status="sent")
    assert first == {
        "address": row.address,
        "name": row.name,
        "object_id": row.object_id,
        "status": "sent",
        "reason": "",
        "attempts": 2,
        "message_id": "<1@example.com>",
        "account": row.email_account.from_email,
        "smtp_code": 250,
        "smtp_enhanced": "",
        "smtp_text": "",
        "not_before": NOW.isoformat(),
        "sent_at": NOW.isoformat(),
    }
    assert [other["reason"] for other in others] == ["expired", "expired"]


def test_a_recipient_without_an_account_has_none(mailing):
    mailing.deliveries.update(email_account=None)

    assert {row["account"] for row in recipients(mailing)} == {None}


def test_recipients_come_in_one_query(mailing, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert len(list(recipients(mailing))) == 3


def test_counts_of_many_mailings_come_in_one_query(mailing, django_assert_num_queries):
    empty = MailingOutFactory()
    with django_assert_num_queries(1):
        counts = counts_by_state([mailing, empty])

    assert counts == {mailing.pk: mailing.counts(), empty.pk: empty.counts()}
    assert set(counts[empty.pk].values()) == {0}


def test_a_done_mailing_brings_its_stored_totals(mailing, django_assert_num_queries):
    totals = mailing.counts() | {"sent": 77}
    MailingOut.objects.update(
        totals=totals, status="D", finished_at=NOW + dt.timedelta(hours=1)
    )
    mailing.refresh_from_db()
    with django_assert_num_queries(0):
        assert counts_by_state([mailing]) == {mailing.pk: totals}
