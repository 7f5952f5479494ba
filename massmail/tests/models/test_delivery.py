"""The ledger's promises as the database itself keeps them, and its transitions."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError, Q

from massmail.models import Delivery
from massmail.models.delivery_states import LEASED_STATUSES, OPEN_STATUSES
from massmail.tests.factories import (
    NOW,
    DeliveryFactory,
    MailingOutFactory,
    SendAttemptFactory,
)

pytestmark = pytest.mark.django_db
deliveries = Delivery.objects
LATER = NOW + dt.timedelta(hours=1)
ALL = [status.value for status in Delivery.Status]


@pytest.fixture
def row():
    return DeliveryFactory()


def refused(**fields):
    with pytest.raises(IntegrityError), transaction.atomic():
        DeliveryFactory(**fields)
    assert deliveries.count() == 1


def test_a_record_has_one_row_in_a_mailing(row):
    refused(
        mailing=row.mailing,
        content_type=row.content_type,
        object_id=row.object_id,
        address="other@example.com",
        status="skipped",
    )


@pytest.mark.parametrize("status", [s for s in ALL if s != "skipped"])
def test_an_address_has_one_row_that_is_not_skipped(row, status):
    refused(mailing=row.mailing, address=row.address.upper(), status=status)


def test_an_address_may_be_skipped_any_number_of_times(row):
    for _ in range(2):
        DeliveryFactory(mailing=row.mailing, address=row.address, status="skipped")


def test_other_mailings_are_other_matters(row):
    DeliveryFactory(
        address=row.address, content_type=row.content_type, object_id=row.object_id
    )


@pytest.mark.parametrize("status", ["claimed", "sending"])
@pytest.mark.parametrize("missing", ["claim_token", "lease_until"])
def test_a_leased_row_has_token_and_lease(row, status, missing):
    refused(status=status, **{missing: None})


@pytest.mark.parametrize("status", [s for s in ALL if s not in LEASED_STATUSES])
@pytest.mark.parametrize(
    "held", [{"claim_token": uuid.uuid4()}, {"claim_token": None, "lease_until": NOW}]
)
def test_no_other_row_has_any(row, status, held):
    refused(status=status, **held)


def test_a_skipped_row_has_a_reason(row):
    refused(status="skipped", reason="")


@pytest.mark.parametrize("kind", ["test", "alert", "confirmation", "outbox"])
def test_mail_of_a_mailing_is_of_that_kind(row, kind):
    refused(kind=kind)


def test_mail_of_that_kind_has_a_mailing(row):
    refused(
        mailing=None,
        version=None,
        email_account=row.email_account,
        recipient__owner=None,
    )


def test_nothing_of_the_ledger_goes_with_what_it_refers_to(row):
    SendAttemptFactory(delivery=row)
    for protected in (
        row.mailing,
        row.email_account,
        row.version,
        row.mailing.message,
        row.mailing.owner,
        row.content_type,
        row,
    ):
        with pytest.raises(ProtectedError):
            protected.delete()


def in_state(status, **fields):
    return DeliveryFactory(status=status, **fields)


# The transition, from which states it leads, to which state.
TRANSITIONS = {
    "release": (lambda r, t: deliveries.release(t), ["claimed"], "queued"),
    "release one": (lambda r, t: deliveries.release(t, [r.pk]), ["claimed"], "queued"),
    "mark_sending": (
        lambda r, t: deliveries.mark_sending(
            [r.pk], t, allowed=Q(), now=NOW, lease_until=LATER
        ),
        ["claimed"],
        "sending",
    ),
    "mark_sent": (lambda r, t: deliveries.mark_sent(r.pk, t), ["sending"], "sent"),
    "mark_failed": (
        lambda r, t: deliveries.mark_failed(r.pk, t),
        ["claimed", "sending"],
        "failed",
    ),
    "mark_uncertain": (
        lambda r, t: deliveries.mark_uncertain(r.pk, t),
        ["sending"],
        "uncertain",
    ),
    "put_back": (
        lambda r, t: deliveries.put_back(r.pk, t),
        ["claimed", "sending"],
        "queued",
    ),
    "skip_claimed": (
        lambda r, t: deliveries.skip_claimed(r.pk, t, "excluded"),
        ["claimed"],
        "skipped",
    ),
}
# The same without a claim.
FREE_TRANSITIONS = {
    "claim": (
        lambda r: deliveries.claim([r.pk], uuid.uuid4(), LATER),
        ["queued"],
        "claimed",
    ),
    "skip": (lambda r: deliveries.skip("cancelled"), ["queued"], "skipped"),
    "resolve sent": (
        lambda r: deliveries.resolve(r.pk, sent=True, now=NOW),
        ["uncertain"],
        "sent",
    ),
    "resolve not sent": (
        lambda r: deliveries.resolve(r.pk, sent=False, now=NOW),
        ["uncertain"],
        "queued",
    ),
    "mark_accepted": (
        lambda r: deliveries.mark_accepted(NOW),
        ["queued", "claimed", "failed", "skipped", "uncertain"],
        "sent",
    ),
}


@pytest.mark.parametrize("status", ALL)
@pytest.mark.parametrize("name", TRANSITIONS)
def test_each_transition_has_its_states(name, status):
    change, sources, target = TRANSITIONS[name]
    row = in_state(status)
    before = deliveries.values().get()

    changed = change(row, row.claim_token or uuid.uuid4())

    if status in sources:
        assert changed == 1
        row.refresh_from_db()
        assert row.status == target
        assert (row.claim_token is not None) == (target in LEASED_STATUSES)
    else:
        assert changed == 0
        assert deliveries.values().get() == before


@pytest.mark.parametrize("name", TRANSITIONS)
@pytest.mark.parametrize("status", LEASED_STATUSES)
def test_no_transition_takes_a_foreign_token(name, status):
    row = in_state(status)
    before = deliveries.values().get()

    assert TRANSITIONS[name][0](row, uuid.uuid4()) == 0
    assert deliveries.values().get() == before


@pytest.mark.parametrize("status", ALL)
@pytest.mark.parametrize("name", FREE_TRANSITIONS)
def test_each_transition_without_a_claim_has_its_states(name, status):
    change, sources, target = FREE_TRANSITIONS[name]
    row = in_state(status)
    before = deliveries.values().get()

    if status in sources:
        assert change(row) == 1
        row.refresh_from_db()
        assert row.status == target
    else:
        assert change(row) == 0
        assert deliveries.values().get() == before


def test_a_transition_of_one_row_leaves_the_others_of_the_claim():
    token = uuid.uuid4()
    mailing = MailingOutFactory(launched=True)
    one, other = DeliveryFactory.create_batch(
        2, mailing=mailing, status="claimed", claim_token=token
    )

    assert deliveries.release(token, [one.pk]) == 1
    assert deliveries.skip_claimed(other.pk, token, "excluded") == 1
    assert mailing.counts()["queued"] == mailing.counts()["skipped"] == 1


def test_a_hand_over_counts_the_attempt_and_forgets_the_old_reason():
    row = in_state("claimed", reason="greylisted", attempts=2)

    deliveries.mark_sending(
        [row.pk], row.claim_token, allowed=Q(), now=NOW, lease_until=LATER
    )

    row.refresh_from_db()
    assert (row.attempts, row.reason, row.sending_at) == (3, "", NOW)
    assert row.lease_until == LATER


@pytest.mark.parametrize(("lease", "changed"), [(NOW, 0), (LATER, 1)])
def test_a_lease_that_ran_out_hands_nothing_over(lease, changed):
    row = in_state("claimed", lease_until=lease)

    assert changed == deliveries.mark_sending(
        [row.pk], row.claim_token, allowed=Q(), now=NOW, lease_until=LATER
    )


def test_a_resolved_message_was_sent_when_it_was_handed_over():
    handed_over = in_state("uncertain", sending_at=NOW)
    unknown = in_state("uncertain")

    for row in (handed_over, unknown):
        deliveries.resolve(row.pk, sent=True, now=LATER)
        row.refresh_from_db()

    assert (handed_over.sent_at, unknown.sent_at) == (NOW, LATER)


def test_a_row_that_is_put_back_is_due_at_once():
    row = in_state("uncertain")

    deliveries.resolve(row.pk, sent=False, now=NOW)

    assert deliveries.due(NOW).get() == row


@pytest.mark.parametrize("status", ALL)
def test_only_leased_rows_are_recovered(status):
    row = in_state(status)

    freed, lost = deliveries.recover(LATER)

    row.refresh_from_db()
    assert freed == (status == "claimed")
    assert lost == ([row.pk] if status == "sending" else [])
    recovered = {"claimed": "queued", "sending": "uncertain"}
    assert row.status == recovered.get(status, status)


def test_leases_that_last_are_not_touched():
    in_state("claimed", lease_until=LATER)
    in_state("sending", lease_until=LATER)

    assert deliveries.recover(LATER - dt.timedelta(microseconds=1)) == (0, [])


def test_rows_that_are_handed_on_wait_for_an_account():
    token = uuid.uuid4()
    mine = in_state("claimed", claim_token=token)
    waiting = in_state("queued")
    foreign, final = in_state("claimed"), in_state("sent")

    assert deliveries.hand_on(token) == 2

    for row in (mine, waiting, foreign, final):
        row.refresh_from_db()
    assert mine.email_account is waiting.email_account is None
    assert (mine.status, waiting.status) == ("queued", "queued")
    assert (foreign.status, final.status) == ("claimed", "sent")
    assert foreign.email_account
    assert final.email_account


def test_every_state_is_open_or_final():
    final = {"sent", "failed", "skipped"}

    assert set(OPEN_STATUSES) | final == set(ALL)
    assert not set(OPEN_STATUSES) & final
