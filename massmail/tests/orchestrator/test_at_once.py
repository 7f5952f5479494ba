"""The ordinary commit: at once where the database can, and to the same end elsewhere.

PostgreSQL writes it by one statement; where anything is out of the ordinary, and on
SQLite, it takes the long way.
"""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection

from massmail.backends.phases import Phase, Reply
from massmail.models import (
    EmailAccount,
    MassmailSettings,
    SendAttempt,
    SuppressedAddress,
)
from massmail.models.email_account import new_token
from massmail.orchestrator import outgoing
from massmail.orchestrator.clock import Clock
from massmail.orchestrator.handover import HandOvers, claim_of
from massmail.orchestrator.lifecycle import launch, pause
from massmail.orchestrator.outgoing import Batch
from massmail.orchestrator.run import Run
from massmail.orchestrator.send import never
from massmail.sending.claiming import claim_batch
from massmail.sending.lanes import take_lanes
from massmail.sending.outcomes import classify
from massmail.sending.recording import Result
from massmail.tests.factories import EmailAccountFactory
from massmail.tests.mailings import draft, ready_settings, states

pytestmark = pytest.mark.django_db
ACCEPTED = Reply(250, "2.0.0", 'queued as "7\\8", thanks')
GONE = Reply(550, "5.1.1", "no such user")
LANES = 2
AT_ONCE = {"postgresql": 1, "sqlite": 0}


@pytest.fixture
def mailing():
    ready_settings()
    return draft(customers=6)


@pytest.fixture
def run(mailing):
    """In the middle of its way: its account works, and its lanes are its own."""
    account = EmailAccountFactory(owner=mailing.owner, max_connections=LANES)
    launch(mailing, by=mailing.owner)
    token, clock = new_token(), Clock()
    take_lanes(account, token, wanted=LANES, now=clock())
    run = Run(account, token, clock=clock, stop=never)
    run._hand_overs = HandOvers(account, token, lanes=LANES)
    run._account_works = True
    return run


@pytest.fixture
def rows(run):
    return claim_batch(run.account.pk, new_token(), now=run.now(), batches=3).deliveries


@pytest.fixture
def used_at_once(run, monkeypatch):
    """What one statement has done, call by call."""
    calls = []
    original = HandOvers.at_once

    def at_once(self, results, deliveries, now, *, meanwhile):
        written = original(self, results, deliveries, now, meanwhile=meanwhile)
        calls.append((len(written.granted), len(written.marked)))
        return written

    monkeypatch.setattr(HandOvers, "at_once", at_once)
    return calls


def answered(rows, reply=ACCEPTED):
    outcome = classify(Phase.DOT, reply)
    return [Result(row, outcome, reply, announced=True) for row in rows]


def granted(found):
    return {pk for pk, _token in found.granted}


def ids(rows):
    return {row.pk for row in rows}


def test_replies_are_recorded_and_the_next_rows_announced(run, rows, used_at_once):
    first, second = rows[:2], rows[2:4]
    run._write([], first)

    found = run._write(answered(first), second)

    assert found.granted == {claim_of(row) for row in second}
    if AT_ONCE[connection.vendor]:
        assert used_at_once == [(2, 0), (2, 2)]
    for row in first:
        row.refresh_from_db()
        assert (row.status, row.smtp_code, row.smtp_text) == (
            "sent",
            250,
            ACCEPTED.text,
        )
        assert row.claim_token is row.lease_until is None
        assert row.sent_at == row.result_at
    for row in second:
        row.refresh_from_db()
        assert (row.status, row.attempts) == ("sending", 1)
    outcomes = SendAttempt.objects.order_by("pk").values_list("outcome", flat=True)
    assert list(outcomes) == ["sent", "sent", "open", "open"]


def test_who_opts_out_meanwhile_keeps_the_others_from_nothing(run, rows, mailing):
    SuppressedAddress.objects.suppress(
        rows[0].address, reason=SuppressedAddress.Reason.OPTED_OUT, source="test"
    )

    found = run._write([], rows[:3])

    assert granted(found) == ids(rows[1:3])
    assert found.skipped == ids(rows[:1])
    assert states(mailing)["skipped"] == 1


def test_a_refusal_among_acceptances_takes_the_long_way(run, rows, used_at_once):
    run._write([], rows[:2])
    results = answered(rows[:1]) + answered(rows[1:2], GONE)

    found = run._write(results, rows[2:4])

    assert used_at_once[-1] == (0, 0)
    assert granted(found) == ids(rows[2:4])
    statuses = []
    for row in rows[:2]:
        row.refresh_from_db()
        statuses.append(row.status)
    assert statuses == ["sent", "failed"]


def test_the_first_acceptance_tells_that_the_account_works(run, rows):
    EmailAccount.objects.update(failures_in_a_row=3)
    run._account_works = False
    run._write([], rows[:2])

    run._write(answered(rows[:2]), rows[2:4])

    assert EmailAccount.objects.get().failures_in_a_row == 0


def test_an_acceptance_of_a_row_that_was_lost_is_the_proof_of_its_delivery(run, rows):
    run._write([], rows[:2])
    lost = rows[0]
    type(lost).objects.filter(pk=lost.pk).update(
        status="uncertain", claim_token=None, lease_until=None
    )

    run._write(answered(rows[:2]), rows[2:4])

    lost.refresh_from_db()
    assert lost.status == "sent"
    assert list(lost.events.values_list("kind", flat=True)) == ["resolved"]


def test_a_commit_whose_answer_was_lost_is_repeated_without_harm(run, rows):
    run._write([], rows[:2])
    results = answered(rows[:2])
    run._write(results, rows[2:4])

    found = run._write(results, rows[2:4])

    assert granted(found) == ids(rows[2:4])
    assert SendAttempt.objects.count() == 4
    assert not any(row.events.exists() for row in rows)


def test_a_paused_mailing_announces_nothing(run, rows, mailing):
    run._write([], rows[:2])
    mailing.refresh_from_db()
    pause(mailing, by=mailing.owner)

    found = run._write(answered(rows[:2]), rows[2:4])

    assert not found.granted
    assert found.held == {mailing.pk}
    assert states(mailing) == {"sent": 2, "claimed": 4}


@pytest.mark.parametrize("what", ["account", "settings"])
def test_what_people_change_ends_the_run_and_loses_no_result(run, rows, mailing, what):
    run._write([], rows[:2])
    if what == "account":
        EmailAccount.objects.get().save()
    else:
        MassmailSettings.objects.update(emails_per_day=7)

    found = run._write(answered(rows[:2]), rows[2:4])

    assert not found.granted
    assert run.report.stopped_because == "settings_changed"
    assert states(mailing) == {"sent": 2, "claimed": 4}


def test_lanes_that_another_run_has_taken_announce_nothing(run, rows):
    run._write([], rows[:2])
    type(run.account.lanes.get(number=1)).objects.update(token=new_token())

    found = run._write(answered(rows[:2]), rows[2:4])

    assert not found.granted
    assert run.report.stopped_because == "lanes_lost"


# --- rendering while the database is at work


@pytest.fixture
def batch(run, rows):
    return Batch(run.account, rows, rows[0].claim_token, now=run.now())


def test_messages_are_rendered_ahead_without_the_database(
    batch, rows, django_assert_num_queries
):
    batch.next()

    with django_assert_num_queries(0):
        batch.render_ahead(3)
        ahead = [batch.next() for _number in range(3)]

    assert [message.delivery.pk for message in ahead] == [row.pk for row in rows[1:4]]
    assert len({message.payload for message in ahead}) == 3


def test_what_is_dropped_after_it_was_rendered_is_not_offered(batch, rows):
    batch.next()
    batch.render_ahead(3)

    batch.drop({rows[1].pk}, set())

    assert batch.next().delivery.pk == rows[2].pk


def test_who_has_moved_waits_for_the_database(run, rows, django_assert_num_queries):
    record = rows[2].content_type.get_object_for_this_type(pk=rows[2].object_id)
    type(record).objects.filter(pk=record.pk).update(email="moved@example.com")
    batch = Batch(run.account, rows, rows[0].claim_token, now=run.now())
    batch.next()

    with django_assert_num_queries(0):
        batch.render_ahead(4)

    assert batch.next().delivery.pk == rows[1].pk
    assert batch.next().rcpt_to == "moved@example.com"
    rows[2].refresh_from_db()
    assert rows[2].address == "moved@example.com"


def test_a_copy_that_cannot_be_made_is_skipped_at_its_turn(batch, rows, mailing):
    batch.next()
    batch._recipients.pop((rows[1].content_type_id, rows[1].object_id))

    batch.render_ahead(4)

    assert states(mailing)["claimed"] == 6
    assert batch.next().delivery.pk == rows[2].pk
    assert batch.skipped == 1


def test_a_fault_of_a_copy_is_met_at_its_turn_and_not_in_a_commit(
    batch, rows, monkeypatch
):
    batch.next()

    def fail(delivery):
        raise ZeroDivisionError

    monkeypatch.setattr(batch, "_render", fail)
    batch.render_ahead(4)

    with pytest.raises(ZeroDivisionError):
        batch.next()


def test_of_large_messages_none_is_kept_ahead(batch, monkeypatch):
    monkeypatch.setattr(outgoing, "LARGE_BYTES", 100)
    batch.next()

    batch.render_ahead(4)

    assert not batch._ahead


def test_a_minute_later_the_copies_have_its_date(run, rows):
    later = run.now() + dt.timedelta(minutes=1)
    one = Batch(run.account, rows, rows[0].claim_token, now=run.now()).next()
    other = Batch(run.account, rows, rows[0].claim_token, now=later).next()

    assert date_of(one) != date_of(other)


def date_of(message):
    return next(
        line for line in message.payload.splitlines() if line.startswith(b"Date:")
    )
