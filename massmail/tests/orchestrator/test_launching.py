"""A launch that a worker carries out, in short steps that may be killed anywhere."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import contextmanager

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection

from massmail.audience import assignment
from massmail.exceptions import MassmailError, WrongState
from massmail.models import (
    EmailAccount,
    Heartbeat,
    MailingOut,
    MassContact,
    MessageVersion,
    SuppressedAddress,
)
from massmail.orchestrator import launching
from massmail.orchestrator.explain import explain
from massmail.orchestrator.launching import launch_mailings
from massmail.orchestrator.lifecycle import (
    cancel,
    launch,
    order_launch,
    pause,
    resume,
)
from massmail.orchestrator.preparing import prepare_mailings
from massmail.orchestrator.schedule import reschedule
from massmail.orchestrator.walk import walk_account_queues
from massmail.signals import mailing_launched
from massmail.tests.factories import (
    NOW,
    CustomerFactory,
    EmailAccountFactory,
    EmlMessageFactory,
    UserFactory,
)
from massmail.tests.hostapp.models import Customer
from massmail.tests.mailings import draft, ready_settings, row_of, states

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("default_policy")]


class KilledError(BaseException):
    """Stands for a worker that dies."""


@contextmanager
def dying_before(number: int):
    """Dies instead of the statement of this number; yields the numbers used."""
    seen = []

    def execute_or_die(execute, sql, params, many, context):
        seen.append(sql)
        if len(seen) == number:
            raise KilledError
        return execute(sql, params, many, context)

    with connection.execute_wrapper(execute_or_die):
        yield seen


@pytest.fixture(autouse=True)
def small_steps(monkeypatch):
    monkeypatch.setattr(assignment, "CHUNK", 2)
    monkeypatch.setattr(launching, "CHUNK", 2)


@pytest.fixture
def five(anna):
    """A draft to five customers, and two accounts."""
    ready_settings()
    EmailAccountFactory.create_batch(2, owner=anna)
    return draft(anna, customers=5)


def shares(mailing):
    rows = mailing.deliveries.filter(status="queued")
    return sorted(Counter(rows.values_list("email_account", flat=True)).values())


def test_the_decision_touches_no_row(five, snapshot_of):
    rows = snapshot_of(five)[1]

    order_launch(five, by=five.owner, now=NOW)

    assert five.is_launching
    assert not five.is_draft
    assert five.version.subject == five.message.subject
    assert five.launched_at is None
    assert snapshot_of(five)[1] == rows
    assert LogEntry.objects.get().change_message == "launched"


def test_nothing_is_sent_before_the_last_row_is_checked(five):
    order_launch(five, by=five.owner, now=NOW)

    while rows := launching.judged_rows(five):
        assert walk_account_queues(NOW) == []
        launching.settle(five, rows)
        five.refresh_from_db()

    assert five.status == MailingOut.Status.PAUSED
    assert walk_account_queues(NOW) == []
    launch_mailings(seconds=60)
    five.refresh_from_db()
    assert five.status == MailingOut.Status.ACTIVE
    assert len(walk_account_queues(five.launched_at)) == 2


def test_the_job_that_adds_recipients_launches_too(
    five, django_capture_on_commit_callbacks
):
    told = []

    def listen(sender, mailing, by, **kwargs):
        told.append((mailing.pk, by))

    order_launch(five, by=five.owner, now=NOW)
    mailing_launched.connect(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            prepare_mailings(seconds=60)
    finally:
        mailing_launched.disconnect(listen)

    five.refresh_from_db()
    assert five.status == MailingOut.Status.ACTIVE
    assert five.launching is None
    assert five.launched_at >= NOW
    assert told == [(five.pk, five.owner)]
    assert shares(five) == [2, 3]
    assert LogEntry.objects.count() == MessageVersion.objects.count() == 1
    bound = MassContact.objects.values_list("email_account", flat=True)
    assert sorted(Counter(bound).values()) == [2, 3]


def test_it_says_that_it_is_being_launched_and_how_far_it_is(five):
    order_launch(five, by=five.owner, now=NOW)
    launching.settle(five, launching.judged_rows(five))
    five.refresh_from_db()

    assert (five.launching["done"], five.launching["of"]) == (2, 5)
    silent = explain(five, now=NOW).reason
    Heartbeat.objects.beat(Heartbeat.BEAT, NOW)
    Heartbeat.objects.beat(Heartbeat.WORKER, NOW)
    reason = explain(five, now=NOW).reason
    assert reason == "It is being launched: the recipients are checked once more."
    assert silent.startswith(reason)
    assert "not running" in silent


def test_the_job_killed_before_any_of_its_statements_goes_on(five):
    SuppressedAddress.objects.suppress(
        "customer1@example.com", reason="complaint", source="test"
    )
    order_launch(five, by=five.owner, now=NOW)
    number = 0
    while True:
        number += 1
        try:
            with dying_before(number):
                launch_mailings(seconds=60)
        except KilledError:
            five.refresh_from_db()
            assert sum(five.counts().values()) == 5
            assert five.is_launching or five.status == MailingOut.Status.ACTIVE
            continue
        break

    five.refresh_from_db()
    assert number > 5
    assert five.status == MailingOut.Status.ACTIVE
    assert states(five) == {"queued": 4, "skipped": 1}
    assert five.skip_counts() == {"suppressed": 1}
    assert shares(five) == [2, 2]
    assert MessageVersion.objects.count() == 1


def test_each_step_killed_and_repeated_keeps_the_shares_equal(five):
    """The kill comes anew for each statement of a whole launch."""
    order_launch(five, by=five.owner, now=NOW)
    steps = 0
    while five.is_launching:
        for number in range(1, 40):
            try:
                with dying_before(number):
                    rows = launching.judged_rows(five)
                    if not rows:
                        break
                    launching.settle(five, rows)
            except KilledError:
                five.refresh_from_db()
                continue
            break
        if not launching.judged_rows(five):
            launching.activate(five)
        five.refresh_from_db()
        steps += 1

    assert steps >= 2
    assert shares(five) == [2, 3]


def test_a_launch_that_dies_in_the_middle_is_ended_by_the_job(five):
    with pytest.raises(KilledError), dying_before(45):
        launch(five, by=five.owner)
    five.refresh_from_db()
    assert five.is_launching

    launch_mailings(seconds=60)

    five.refresh_from_db()
    assert five.status == MailingOut.Status.ACTIVE
    assert shares(five) == [2, 3]


def test_it_can_be_cancelled_in_the_middle(five):
    order_launch(five, by=five.owner, now=NOW)
    launching.settle(five, launching.judged_rows(five))
    late = MailingOut.objects.get(pk=five.pk)
    rows = launching.judged_rows(late)

    cancel(five, by=five.owner)

    assert launching.settle(late, rows) is False
    assert launch_mailings(seconds=60) is False
    five.refresh_from_db()
    assert five.status == MailingOut.Status.INTERRUPTED
    assert five.skip_counts() == {"cancelled": 5}
    assert five.launched_at is None


@pytest.mark.parametrize(
    "action",
    [
        launch,
        order_launch,
        pause,
        resume,
        lambda mailing, by: reschedule(mailing, by=by, start_at=NOW, expires_at=None),
    ],
    ids=["launch", "order", "pause", "resume", "reschedule"],
)
def test_nothing_else_can_be_done_meanwhile(five, snapshot_of, action):
    order_launch(five, by=five.owner, now=NOW)
    before = snapshot_of(five)

    with pytest.raises(WrongState):
        action(five, by=five.owner)

    assert snapshot_of(five) == before


def test_who_opts_out_after_the_decision_is_left_out(five):
    order_launch(five, by=five.owner, now=NOW)
    Customer.objects.filter(name="Customer 0").update(accepts_mailings=False)
    Customer.objects.filter(name="Customer 1").delete()
    SuppressedAddress.objects.suppress(
        "customer2@example.com", reason="opted_out", source="test"
    )
    MassContact.objects.filter(
        object_id=row_of(five, "customer3@example.com").object_id
    ).update(subscribed=False)

    launch_mailings(seconds=60)

    assert five.skip_counts() == {"opted_out": 3, "recipient_deleted": 1}
    assert states(five) == {"queued": 1, "skipped": 4}


def test_the_message_is_the_one_that_was_checked(five):
    order_launch(five, by=five.owner, now=NOW)
    subject = five.message.subject
    five.message.subject = "{{ nobody }}"
    five.message.save()

    launch_mailings(seconds=60)

    five.refresh_from_db()
    assert five.status == MailingOut.Status.ACTIVE
    assert five.version.subject == subject


def test_who_lacks_a_value_is_skipped_whatever_is_edited_meanwhile(anna):
    ready_settings()
    EmailAccountFactory(owner=anna)
    mailing = draft(anna, subject="{{ city }} has news")
    Customer.objects.filter(name="Customer 0").update(city="Utrecht")
    order_launch(mailing, by=anna, now=NOW)
    EmlMessageFactory._meta.model.objects.update(subject="No variables")

    launch_mailings(seconds=60)

    assert mailing.skip_counts() == {"missing_value": 2}


def test_when_all_have_gone_meanwhile_it_is_a_draft_again(five):
    order_launch(five, by=five.owner, now=NOW)
    Customer.objects.all().delete()

    launch_mailings(seconds=60)

    five.refresh_from_db()
    assert five.is_draft
    assert five.version is None
    assert five.skip_counts() == {"recipient_deleted": 5}


def test_an_account_that_is_gone_meanwhile_gets_nobody(five):
    order_launch(five, by=five.owner, now=NOW)
    kept, gone = EmailAccount.objects.order_by("pk")
    gone.delete()

    launch_mailings(seconds=60)

    rows = five.deliveries.values_list("email_account", flat=True)
    assert set(rows) == {kept.pk}


@pytest.mark.django_db(transaction=True)
def test_jobs_and_a_launch_at_once_give_each_row_one_account():
    ready_settings()
    anna = UserFactory()
    EmailAccountFactory.create_batch(2, owner=anna)
    mailing = draft(anna, customers=11)
    CustomerFactory(owner=anna)
    start = threading.Barrier(4)
    errors = []

    def work(job):
        try:
            start.wait()
            job()
        except MassmailError as error:
            errors.append(error)
        finally:
            connection.close()

    def ordered():
        launch(MailingOut.objects.get(pk=mailing.pk), by=anna)

    jobs = [ordered, ordered, *[lambda: launch_mailings(seconds=60)] * 2]
    threads = [threading.Thread(target=work, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    mailing.refresh_from_db()
    assert [type(error) for error in errors] == [WrongState]
    assert mailing.status == MailingOut.Status.ACTIVE
    assert states(mailing) == {"queued": 11}
    assert shares(mailing) == [5, 6]
