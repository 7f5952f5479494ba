"""Pause, resume, cancel: from which states, by whom, and what becomes of the rows."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.contrib.admin.models import LogEntry
from django.db.models import QuerySet

from massmail.exceptions import NotAllowed, WrongState
from massmail.models import Alert, Delivery, MailingOut
from massmail.models.breakers import stop_mailing
from massmail.models.proof import resolve_by_proof
from massmail.orchestrator.finishing import expire_mailings
from massmail.orchestrator.lifecycle import cancel, pause, resume
from massmail.orchestrator.walk import walk_account_queues
from massmail.signals import mailing_done
from massmail.tests.factories import (
    NOW,
    DeliveryFactory,
    MailingOutFactory,
    SuperuserFactory,
    UserFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("default_policy")]
LATER = NOW + dt.timedelta(hours=1)


@pytest.fixture
def mailing():
    """Launched, with one waiting row."""
    mailing = MailingOutFactory(launched=True, recipients_count=1)
    DeliveryFactory(mailing=mailing)
    return mailing


def in_state(mailing, status, *, stop_reason="", launched=True):
    MailingOut.objects.update(
        status=status, stop_reason=stop_reason, launched_at=NOW if launched else None
    )
    mailing.refresh_from_db()


def add_row(mailing, status, **fields):
    return DeliveryFactory(mailing=mailing, status=status, **fields)


STATES = [
    # status, stop_reason, launched; may be paused, resumed, cancelled
    ("A", "", True, True, False, True),
    ("E", "", True, True, False, True),
    ("E", "reputation", True, True, True, True),
    ("P", "", True, False, True, True),
    ("P", "reputation", True, False, True, True),
    ("P", "", False, False, False, True),
    ("I", "", True, False, False, False),
    ("D", "", True, False, False, False),
]


@pytest.mark.parametrize(("action", "position"), [(pause, 3), (resume, 4), (cancel, 5)])
@pytest.mark.parametrize("state", STATES, ids=str)
def test_each_action_has_its_states(mailing, snapshot_of, action, position, state):
    status, stop_reason, launched, *_ = state
    in_state(mailing, status, stop_reason=stop_reason, launched=launched)
    before = snapshot_of(mailing)

    if state[position]:
        assert action(mailing, by=mailing.owner, now=LATER) is mailing
        assert LogEntry.objects.count() == 1
    else:
        with pytest.raises(WrongState):
            action(mailing, by=mailing.owner, now=LATER)
        assert snapshot_of(mailing) == before
        assert not LogEntry.objects.exists()


@pytest.mark.parametrize("action", [pause, resume, cancel])
@pytest.mark.parametrize("who", ["stranger", "inactive"])
def test_who_may_not_changes_nothing(mailing, snapshot_of, action, who):
    in_state(mailing, "E", stop_reason="reputation")
    by = UserFactory() if who == "stranger" else mailing.owner
    by.is_active = who == "stranger"
    before = snapshot_of(mailing)

    with pytest.raises(NotAllowed):
        action(mailing, by=by)

    assert snapshot_of(mailing) == before
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize(
    ("action", "word"), [(pause, "paused"), (resume, "resumed"), (cancel, "cancelled")]
)
def test_each_action_is_logged_with_who_did_it(mailing, action, word):
    in_state(mailing, "E", stop_reason="reputation")
    superuser = SuperuserFactory()

    action(mailing, by=superuser)

    entry = LogEntry.objects.get()
    assert (entry.user, entry.change_message) == (superuser, word)
    assert entry.get_edited_object() == mailing


def test_a_pause_keeps_the_rows(mailing, snapshot_of):
    _state, rows = snapshot_of(mailing)

    pause(mailing, by=mailing.owner)

    assert mailing.status == MailingOut.Status.PAUSED
    assert snapshot_of(mailing)[1] == rows


def test_resuming_after_a_breaker_forgets_the_reason_and_closes_the_alert(mailing):
    stop_mailing(mailing.pk, "reputation", now=NOW)
    assert Alert.objects.filter(closed_at=None).count() == 1

    resume(mailing, by=mailing.owner, now=LATER)

    assert (mailing.status, mailing.stop_reason) == ("A", "")
    assert LATER <= mailing.resumed_at < LATER + dt.timedelta(minutes=1)
    assert not Alert.objects.filter(closed_at=None).exists()


def test_resuming_when_nothing_is_left_ends_the_mailing(
    mailing, django_capture_on_commit_callbacks
):
    Delivery.objects.update(status="sent")
    in_state(mailing, "P")
    done = []

    def listen(sender, mailing, **kwargs):
        done.append(mailing)

    mailing_done.connect(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            resume(mailing, by=mailing.owner, now=LATER)
    finally:
        mailing_done.disconnect(listen)

    assert mailing.status == MailingOut.Status.DONE
    assert mailing.totals == mailing.counts()
    assert done == [mailing]


def test_resuming_with_uncertain_rows_still_needs_a_person(mailing):
    add_row(mailing, "uncertain")
    in_state(mailing, "P")

    resume(mailing, by=mailing.owner, now=LATER)

    assert (mailing.status, mailing.stop_reason) == ("E", "")


def test_cancelling_skips_what_waits_and_keeps_what_is_final(mailing):
    kept = {"sent": "", "failed": "refused", "skipped": "opted_out", "uncertain": ""}
    for status, reason in kept.items():
        add_row(mailing, status, reason=reason)
    stop_mailing(mailing.pk, "reputation", now=NOW)

    cancel(mailing, by=mailing.owner, now=LATER)

    assert mailing.status == MailingOut.Status.INTERRUPTED
    assert LATER <= mailing.finished_at < LATER + dt.timedelta(minutes=1)
    assert mailing.skip_counts() == {"cancelled": 1, "opted_out": 1}
    final = mailing.deliveries.exclude(reason="cancelled")
    assert dict(final.values_list("status", "reason")) == kept
    assert not Alert.objects.filter(closed_at=None).exists()


def test_a_draft_can_be_cancelled(mailing):
    in_state(mailing, "P", launched=False)

    cancel(mailing, by=mailing.owner, now=LATER)

    assert mailing.skip_counts() == {"cancelled": 1}


@pytest.mark.parametrize("after", [dt.timedelta(minutes=5), dt.timedelta(days=3)])
def test_rows_that_were_claimed_at_the_cancellation_end_cancelled(mailing, after):
    """A worker held one and died; nobody looked for days."""
    Delivery.objects.update(
        status="claimed", claim_token=uuid.uuid4(), lease_until=LATER
    )
    cancel(mailing, by=mailing.owner, now=NOW)
    assert mailing.counts()["claimed"] == 1

    walk_account_queues(LATER + after)

    assert mailing.skip_counts() == {"cancelled": 1}


@pytest.mark.parametrize("after", [dt.timedelta(0), dt.timedelta(days=60)])
def test_what_was_not_sent_of_a_cancelled_mailing_stays_cancelled(mailing, after):
    Delivery.objects.update(status="uncertain")
    cancel(mailing, by=mailing.owner, now=NOW)
    row = mailing.deliveries.get()
    later = LATER + after

    resolve_by_proof(row.pk, sent=False, now=later, detail="bounce")
    walk_account_queues(later)

    row.refresh_from_db()
    mailing.refresh_from_db()
    assert (row.status, row.reason) == ("skipped", "cancelled")
    assert mailing.status == MailingOut.Status.INTERRUPTED


def test_a_row_that_is_put_back_reopens_a_done_mailing(mailing):
    Delivery.objects.update(status="uncertain")
    row = mailing.deliveries.get()
    in_state(mailing, "D")
    MailingOut.objects.update(finished_at=NOW, totals=mailing.counts())

    resolve_by_proof(row.pk, sent=False, now=LATER, detail="bounce")

    mailing.refresh_from_db()
    assert (mailing.status, mailing.finished_at, mailing.totals) == ("A", None, None)
    assert mailing.counts()["queued"] == 1


def test_an_uncertain_row_that_was_sent_ends_the_mailing(mailing):
    Delivery.objects.update(status="uncertain")
    walk_account_queues(NOW)
    mailing.refresh_from_db()
    assert mailing.status == MailingOut.Status.NEEDS_PERSON
    row = mailing.deliveries.get()

    resolve_by_proof(row.pk, sent=True, now=LATER, detail="click")
    walk_account_queues(LATER)

    mailing.refresh_from_db()
    assert mailing.status == MailingOut.Status.DONE
    assert mailing.totals["sent"] == 1


@pytest.mark.parametrize("status", ["A", "E", "P"])
def test_what_waits_in_an_expired_mailing_is_skipped(mailing, status):
    MailingOut.objects.update(expires_at=LATER)
    in_state(mailing, status)

    walk_account_queues(LATER - dt.timedelta(seconds=1))
    assert mailing.counts()["queued"] == 1
    walk_account_queues(LATER)

    assert mailing.skip_counts() == {"expired": 1}


def test_an_expired_draft_keeps_its_rows(mailing):
    MailingOut.objects.update(expires_at=LATER)
    in_state(mailing, "P", launched=False)

    walk_account_queues(LATER)

    assert mailing.counts()["queued"] == 1


@pytest.mark.parametrize(
    ("status", "stop_reason"), [("A", ""), ("E", "reputation"), ("P", "")]
)
def test_an_expired_mailing_is_done_when_nothing_is_open(mailing, status, stop_reason):
    """Also one that is held: nothing would be left to resume it for."""
    in_state(mailing, status, stop_reason=stop_reason)
    MailingOut.objects.update(expires_at=LATER)

    walk_account_queues(LATER)

    mailing.refresh_from_db()
    assert mailing.status == MailingOut.Status.DONE
    assert mailing.totals["skipped"] == 1


def test_the_alert_of_a_stopped_mailing_ends_with_it(mailing):
    in_state(mailing, "E", stop_reason="reputation")
    cause = f"mailing:{mailing.pk}"
    Alert.objects.raise_once(
        cause=cause, recipient=mailing.owner, text="It was stopped.", now=NOW
    )
    MailingOut.objects.update(expires_at=LATER)

    walk_account_queues(LATER)

    assert not Alert.objects.filter(closed_at=None).exists()


def test_a_paused_mailing_that_expired_waits_for_who_is_uncertain(mailing):
    in_state(mailing, "P")
    row = add_row(mailing, "uncertain")
    MailingOut.objects.update(expires_at=LATER)

    walk_account_queues(LATER)
    mailing.refresh_from_db()
    assert mailing.status == MailingOut.Status.PAUSED
    resolve_by_proof(row.pk, sent=True, now=LATER, detail="a click")
    walk_account_queues(LATER)

    mailing.refresh_from_db()
    assert mailing.status == MailingOut.Status.DONE


def test_more_time_given_at_the_last_moment_skips_nobody(mailing, monkeypatch):
    MailingOut.objects.update(expires_at=LATER)
    look = QuerySet.values_list

    def then_there_is_more_time(self, *args, **kwargs):
        found = list(look(self, *args, **kwargs))
        if self.model is MailingOut and found == [mailing.pk]:
            MailingOut.objects.update(expires_at=LATER + dt.timedelta(days=1))
        return found

    with monkeypatch.context() as patch:
        patch.setattr(QuerySet, "values_list", then_there_is_more_time)
        expire_mailings(LATER)

    assert mailing.skip_counts() == {}
