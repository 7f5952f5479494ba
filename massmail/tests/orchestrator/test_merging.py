"""Mailings with one message become one: nobody is lost, nobody is mailed twice."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.utils import timezone

from massmail.audience.snapshot import create_mailing
from massmail.exceptions import NotAllowed, WrongState
from massmail.models import Alert, Delivery, MailingOut, SuppressedAddress
from massmail.orchestrator.lifecycle import launch, pause, resume
from massmail.orchestrator.merge_candidates import mergeable, previewed
from massmail.orchestrator.merging import Merged, merge, move
from massmail.permissions import skip_reason
from massmail.reports.ledger import check_ledger
from massmail.tests.factories import (
    NOW,
    AlertFactory,
    CustomerFactory,
    DeliveryFactory,
    EmailAccountFactory,
    EmlMessageFactory,
    MailingOutFactory,
    SendAttemptFactory,
    TargetListFactory,
    UserFactory,
)
from massmail.tests.hostapp.models import Customer
from massmail.tests.mailings import account_at, ready_settings, send_all, states
from massmail.tests.smtp_server import FaultServer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("default_policy")]


@pytest.fixture
def message(anna):
    return EmlMessageFactory(owner=anna)


@pytest.fixture
def make(anna, message):
    """A launched mailing of Anna's with so many recipients of its own."""
    ready_settings()
    EmailAccountFactory(owner=anna)

    def mailing(count=0, people=()):
        people = [*people, *(CustomerFactory(owner=anna) for _number in range(count))]
        keys = [person.pk for person in people]
        draft = create_mailing(
            owner=anna, message=message, recipients=Customer.objects.filter(pk__in=keys)
        )
        return launch(draft, by=anna)

    return mailing


@pytest.fixture(autouse=True)
def clean_ledger():
    yield
    assert list(check_ledger(timezone.now())) == []


def reasons(mailing):
    return Counter(mailing.deliveries.values_list("status", "reason"))


def test_who_waits_is_written_anew_in_the_target(make, anna):
    target, original = make(2), make(3)
    AlertFactory(recipient=anna, cause=f"mailing:{original.pk}")
    before = set(original.deliveries.values_list("object_id", "email_account"))

    merged = merge(target, [original], by=anna, now=NOW)

    assert (merged.moved, merged.known, merged.left) == (3, 0, 0)
    for mailing in (target, original):
        mailing.refresh_from_db()
    assert (original.status, original.merged_into) == ("I", target)
    assert original.finished_at is not None
    assert reasons(original) == {("skipped", "merged"): 3}
    assert states(target) == {"queued": 5}
    assert target.recipients_count == 5
    moved = set(target.deliveries.values_list("object_id", "email_account"))
    assert before < moved
    words = LogEntry.objects.order_by("-pk").values_list("change_message", flat=True)
    assert list(words)[:2] == [
        f"merged [{original.pk}] into it: 3 recipients",
        f"merged into {target.pk}",
    ]
    assert not Alert.objects.filter(closed_at=None).exists()


def test_who_left_a_list_of_either_mailing_is_mailed_by_none(make, anna):
    theirs, ours, left_out = TargetListFactory.create_batch(3)
    leaver = CustomerFactory(owner=anna, email="leaver@example.com")
    target, original = make(people=[leaver]), make(2)
    target.target_lists.add(ours)
    original.target_lists.add(ours, theirs)
    original.excluded_lists.add(left_out)
    SuppressedAddress.objects.suppress(
        leaver.email, reason="opted_out", source="test", target_list=theirs
    )
    assert skip_reason(target, target.deliveries.get().pk) == ""

    merge(target, [original], by=anna)

    assert set(target.target_lists.all()) == {ours, theirs}
    assert not target.excluded_lists.exists()
    assert set(original.target_lists.all()) == {ours, theirs}
    row = target.deliveries.get(object_id=str(leaver.pk))
    assert skip_reason(target, row.pk) == "opted_out"


def test_a_record_that_the_target_has_stays_out_whatever_its_row_says(make, anna):
    ann, bob, eve = (CustomerFactory(owner=anna) for _number in range(3))
    target = make(people=[ann, bob])
    original = make(people=[ann, bob, eve])
    target.deliveries.filter(object_id=str(ann.pk)).skip("cancelled")

    merged = merge(target, [original], by=anna)

    assert (merged.moved, merged.known) == (1, 2)
    assert states(target) == {"queued": 2, "skipped": 1}
    assert reasons(original) == {("skipped", "merged"): 3}


def test_an_address_is_mailed_once_though_three_records_share_it(make, anna):
    one, two, three = (
        CustomerFactory(owner=anna, email=text)
        for text in ("a@example.com", "A@Example.com", "a@EXAMPLE.com")
    )
    target, second, third = make(people=[one]), make(people=[two]), make(people=[three])

    merged = merge(target, [third, second], by=anna)

    assert (merged.moved, merged.known) == (0, 2)
    assert states(target) == {"queued": 1}


def test_what_was_sent_stays_with_its_mailing(make, anna):
    target, original = make(1), make(3)
    sent, unsure, waiting = original.deliveries.order_by("pk")
    Delivery.objects.filter(pk=sent.pk).update(
        status="sent", attempts=1, message_id="<x@example.com>"
    )
    SendAttemptFactory(delivery=sent)
    Delivery.objects.filter(pk=unsure.pk).update(
        status="uncertain", reason="worker_lost", attempts=1
    )
    SendAttemptFactory(delivery=unsure, outcome="uncertain")

    merged = merge(target, [original], by=anna)

    assert merged.moved == 1
    assert states(original) == {"sent": 1, "uncertain": 1, "skipped": 1}
    assert target.deliveries.filter(object_id=waiting.object_id).exists()


def test_who_was_tried_holds_the_merge_up_or_is_left_out(make, anna, snapshot_of):
    target, original = make(1), make(2)
    tried = original.deliveries.first()
    Delivery.objects.filter(pk=tried.pk).update(attempts=1)
    before = snapshot_of(target), snapshot_of(original)

    with pytest.raises(WrongState, match="1 recipient who was tried"):
        merge(target, [original], by=anna)
    assert (snapshot_of(target), snapshot_of(original)) == before

    merged = merge(target, [original], by=anna, leave_tried=True)
    assert (merged.moved, merged.left) == (1, 1)
    assert reasons(original) == {("skipped", "merged"): 1, ("skipped", "cancelled"): 1}


@pytest.mark.parametrize("status", ["claimed", "sending"])
def test_what_is_on_its_way_holds_the_merge_up(make, anna, snapshot_of, status):
    target, original = make(1), make(1)
    row = DeliveryFactory(
        mailing=original,
        recipient__owner=anna,
        email_account__owner=anna,
        status=status,
        lease_until=timezone.now(),
    )
    if status == "sending":
        SendAttemptFactory(delivery=row, token=row.claim_token, outcome="open")
    MailingOut.objects.filter(pk=original.pk).update(recipients_count=2)
    before = snapshot_of(target), snapshot_of(original)

    with pytest.raises(WrongState, match="Pause it"):
        merge(target, [original], by=anna, leave_tried=True)

    assert (snapshot_of(target), snapshot_of(original)) == before
    row.refresh_from_db()
    assert row.status == status


def test_only_mailings_that_say_the_same_fit(make, anna, message):
    target, same = make(1), make(1)
    foreign = MailingOutFactory(launched=True)
    other_message = MailingOutFactory(owner=anna, launched=True)
    draft = MailingOutFactory(owner=anna, message=message)
    message.subject = "Another subject"
    message.save()
    other_version = make(1)

    assert mergeable(target) == [same]
    for mailing in (foreign, other_message, draft, other_version, target):
        with pytest.raises((WrongState, NotAllowed)):
            merge(target, [mailing], by=anna)


@pytest.mark.parametrize("status", ["D", "I"])
def test_what_has_ended_is_not_merged(make, anna, status):
    target, original = make(1), make(1)
    for ended in (original, target):
        rows = MailingOut.objects.filter(pk=ended.pk)
        rows.update(status=status)
        with pytest.raises(WrongState):
            merge(target, [original], by=anna)
        rows.update(status="P")


def test_only_their_owner_merges(make, snapshot_of):
    target, original = make(1), make(1)
    before = snapshot_of(target), snapshot_of(original)

    with pytest.raises(NotAllowed):
        merge(target, [original], by=UserFactory())

    assert (snapshot_of(target), snapshot_of(original)) == before


def test_drafts_of_one_message_become_one_draft(make, anna, message):
    drafts = []
    for _number in range(2):
        person = CustomerFactory(owner=anna)
        people = Customer.objects.filter(pk=person.pk)
        drafts.append(create_mailing(owner=anna, message=message, recipients=people))

    assert merge(drafts[0], drafts[1:], by=anna).moved == 1
    drafts[0].refresh_from_db()
    assert drafts[0].is_draft
    assert states(drafts[0]) == {"queued": 2}


def test_the_preview_tells_what_the_merge_will_do(make, anna):
    shared = CustomerFactory(owner=anna)
    target, original = make(people=[shared]), make(2, people=[shared])

    [row] = previewed(target)

    assert (row["mailing"], row["moves"], row["known"]) == (original, 2, 1)
    merged = merge(target, [original], by=anna)
    assert (merged.moved, merged.known) == (row["moves"], row["known"])


def test_what_time_leaves_over_waits_and_moves_with_the_next_call(
    make, anna, monkeypatch
):
    monkeypatch.setattr("massmail.orchestrator.merging.CHUNK", 2)
    target, original = make(1), make(5)

    first = merge(target, [original], by=anna, seconds=0)

    assert (first.moved, first.rest) == (2, 3)
    assert states(target) == {"queued": 3}
    assert states(original) == {"queued": 3, "skipped": 2}
    original.refresh_from_db()
    assert (original.status, original.merged_into) == ("P", None)
    assert list(check_ledger(timezone.now())) == []

    second = merge(target, [original], by=anna)

    assert (second.moved, second.rest) == (3, 0)
    original.refresh_from_db()
    assert original.merged_into == target


def test_who_resumes_it_in_between_stops_the_merge(make, anna, monkeypatch):
    monkeypatch.setattr("massmail.orchestrator.merging.CHUNK", 2)
    target, original = make(1), make(5)
    merge(target, [original], by=anna, seconds=0)
    resume(original, by=anna)

    with pytest.raises(WrongState):
        move(original.pk, target, Merged(), NOW)

    assert states(target) == {"queued": 3}


@pytest.mark.django_db(transaction=True)
def test_a_sender_at_work_loses_nobody_and_mails_nobody_twice(anna, message):
    """Merges are tried again and again while both mailings are being sent."""
    ready_settings()
    with FaultServer() as server:
        account_at(server, anna, max_connections=2)
        mailings = []
        for _number in range(2):
            people = [CustomerFactory(owner=anna).pk for _person in range(30)]
            draft = create_mailing(
                owner=anna,
                message=message,
                recipients=Customer.objects.filter(pk__in=people),
            )
            mailings.append(launch(draft, by=anna))
        target, original = mailings
        stop = threading.Event()

        def send():
            try:
                while not stop.is_set():
                    send_all()
            finally:
                connection.close()

        sender = threading.Thread(target=send)
        sender.start()
        try:
            merge_in_the_end(target, original, anna)
        finally:
            stop.set()
            sender.join()
        send_all()

        counts = Counter(mail.rcpt for mail in server.accepted)
    assert len(counts) == 60
    assert set(counts.values()) == {1}
    target.refresh_from_db()
    assert target.status == "D"


def merge_in_the_end(target, original, by):
    """As a manager does: try, pause where told so, try once more."""
    while True:
        original.refresh_from_db()
        target.refresh_from_db()
        try:
            merge(target, [original], by=by)
        except WrongState:
            original.refresh_from_db()
            if original.is_final or target.is_final:
                return
            if original.status == "P":
                resume(original, by=by)
            else:
                pause(original, by=by)
        else:
            return
