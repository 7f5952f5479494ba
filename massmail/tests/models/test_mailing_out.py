"""When a mailing may send, and when it is done."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from massmail.models import Delivery, MailingOut
from massmail.tests.factories import NOW, DeliveryFactory, MailingOutFactory

pytestmark = pytest.mark.django_db
LATER = NOW + dt.timedelta(hours=1)
FINAL = ["sent", "failed", "skipped"]


@pytest.fixture
def mailing():
    return MailingOutFactory(launched=True)


def finish():
    return MailingOut.objects.finish(LATER)


def status_of(mailing):
    mailing.refresh_from_db()
    return mailing.status


def test_a_mailing_is_done_when_every_row_is_final(mailing):
    for status in FINAL:
        DeliveryFactory(mailing=mailing, status=status)

    assert finish() == [mailing]

    assert status_of(mailing) == MailingOut.Status.DONE
    assert mailing.finished_at == LATER
    assert mailing.totals == mailing.counts()
    assert {mailing.totals[status] for status in FINAL} == {1}
    assert finish() == []


@pytest.mark.parametrize("status", ["queued", "claimed", "sending"])
@pytest.mark.parametrize("state", ["A", "E"])
def test_one_open_row_keeps_it_active(mailing, status, state):
    MailingOut.objects.update(status=state)
    DeliveryFactory(mailing=mailing, status="sent")
    DeliveryFactory(mailing=mailing, status=status, email_account=None)

    assert finish() == []
    assert status_of(mailing) == MailingOut.Status.ACTIVE


def test_uncertain_rows_need_a_person(mailing):
    DeliveryFactory(mailing=mailing, status="uncertain")

    assert finish() == []
    assert status_of(mailing) == MailingOut.Status.NEEDS_PERSON
    Delivery.objects.update(status="sent")
    assert finish() == [mailing]


@pytest.mark.parametrize(
    "fields",
    [{"status": "P"}, {"status": "I"}, {"status": "E", "stop_reason": "reputation"}],
    ids=str,
)
def test_what_is_held_is_not_finished(mailing, fields):
    MailingOut.objects.update(**fields)
    DeliveryFactory(mailing=mailing, status="sent")

    assert finish() == []
    assert status_of(mailing) == fields["status"]


def test_mailings_are_finished_each_by_its_own_rows(mailing):
    other = MailingOutFactory(launched=True)
    DeliveryFactory(mailing=mailing, status="sent")
    DeliveryFactory(mailing=other)

    assert finish() == [mailing]
    assert status_of(other) == MailingOut.Status.ACTIVE


@pytest.mark.parametrize(
    ("status", "row", "reopened"),
    [("D", "queued", 1), ("D", "sent", 0), ("I", "queued", 0), ("A", "queued", 0)],
)
def test_only_a_done_mailing_with_waiting_rows_is_reopened(
    mailing, status, row, reopened
):
    DeliveryFactory(mailing=mailing, status=row)
    MailingOut.objects.update(status=status, finished_at=NOW, totals={"sent": 1})

    assert MailingOut.objects.reopen() == reopened
    assert status_of(mailing) == ("A" if reopened else status)
    assert (mailing.totals is None) == bool(reopened)


def test_what_waits_in_a_cancelled_mailing_is_closed_with_its_reason(mailing):
    merged = MailingOutFactory(launched=True, merged_into=mailing)
    running = MailingOutFactory(launched=True)
    for each in (mailing, merged, running):
        DeliveryFactory(mailing=each)
        DeliveryFactory(mailing=each, status="claimed")
    MailingOut.objects.exclude(pk=running.pk).update(status="I")

    MailingOut.objects.close_cancelled()

    assert mailing.skip_counts() == {"cancelled": 1}
    assert merged.skip_counts() == {"merged": 1}
    assert running.skip_counts() == {}
    assert mailing.counts()["claimed"] == 1


@pytest.mark.parametrize(
    ("fields", "sends"),
    [
        ({}, True),
        ({"status": "E"}, True),
        ({"status": "P"}, False),
        ({"status": "D"}, False),
        ({"status": "I"}, False),
        ({"stop_reason": "reputation"}, False),
        ({"start_at": NOW}, True),
        ({"start_at": LATER}, False),
        ({"expires_at": LATER}, True),
        ({"expires_at": NOW}, False),
    ],
    ids=str,
)
def test_when_a_mailing_sends(mailing, fields, sends):
    MailingOut.objects.update(**fields)

    assert MailingOut.objects.sending(NOW).exists() is sends


def test_a_mailing_of_an_inactive_owner_does_not_send(mailing):
    mailing.owner.is_active = False
    mailing.owner.save()

    assert not MailingOut.objects.sending(NOW).exists()


def test_it_cannot_expire_before_it_starts(mailing):
    mailing.start_at, mailing.expires_at = LATER, NOW

    with pytest.raises(ValidationError):
        mailing.full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        mailing.save()


def test_counts_name_every_state(mailing):
    DeliveryFactory(mailing=mailing)
    DeliveryFactory.create_batch(2, mailing=mailing, status="skipped", reason="expired")
    DeliveryFactory()

    assert mailing.counts() == {
        "queued": 1,
        "claimed": 0,
        "sending": 0,
        "sent": 0,
        "failed": 0,
        "skipped": 2,
        "uncertain": 0,
    }
    assert mailing.skip_counts() == {"expired": 2}


@pytest.mark.parametrize(
    ("fields", "is_draft", "is_final"),
    [
        ({"status": "P", "launched_at": None}, True, False),
        ({"status": "P"}, False, False),
        ({"status": "A"}, False, False),
        ({"status": "D"}, False, True),
        ({"status": "I"}, False, True),
    ],
    ids=str,
)
def test_what_is_a_draft_and_what_is_final(mailing, fields, is_draft, is_final):
    for name, value in fields.items():
        setattr(mailing, name, value)

    assert (mailing.is_draft, mailing.is_final) == (is_draft, is_final)
