"""A stored choice becomes rows bit by bit, whoever is killed in between."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from massmail.audience import selection
from massmail.audience.selection import (
    prepare_selected,
    store_selection,
    unprepared_mailings,
)
from massmail.exceptions import NotAllowed
from massmail.models import MailingOut, SelectedChunk
from massmail.orchestrator.preparing import prepare_mailings
from massmail.tests.factories import (
    CustomerFactory,
    EmlMessageFactory,
    MemberFactory,
    SubscriberFactory,
    UserFactory,
)
from massmail.tests.hostapp.models import Customer
from massmail.tests.mailings import add_customers

pytestmark = pytest.mark.django_db


class KilledError(Exception):
    """Stands for a worker that dies."""


@pytest.fixture
def stored(anna, message):
    def store(recipients=None, owner=anna):
        if recipients is None:
            recipients = Customer.objects.all()
        return store_selection(owner=owner, message=message, recipients=recipients)

    return store


def test_storing_adds_no_row_yet(anna, stored, chunks_of):
    chunks_of(2)
    add_customers(anna, 5)

    mailing = stored()

    assert mailing.prepared_at is None
    assert mailing.recipients_count == 0
    assert mailing.selection == {"chosen": 5}
    assert [len(chunk.keys) for chunk in SelectedChunk.objects.all()] == [2, 2, 1]
    assert list(unprepared_mailings()) == [mailing]


@pytest.mark.parametrize(
    "factory", [CustomerFactory, SubscriberFactory, MemberFactory], ids=str
)
def test_the_job_makes_rows_of_keys_of_every_type(anna, stored, chunks_of, factory):
    chunks_of(2)
    people = factory.create_batch(5, owner=anna)
    mailing = stored(factory._meta.model.objects.all())

    assert prepare_selected(mailing, seconds=60) is True

    mailing.refresh_from_db()
    assert mailing.prepared_at is not None
    assert mailing.recipients_count == mailing.counts()["queued"] == 5
    assert set(mailing.deliveries.values_list("object_id", flat=True)) == {
        str(person.pk) for person in people
    }
    assert not SelectedChunk.objects.exists()
    assert not unprepared_mailings().exists()


def test_the_job_can_be_done_in_short_pieces(anna, stored, chunks_of):
    chunks_of(2)
    add_customers(anna, 5)
    mailing = stored()

    assert prepare_selected(mailing, seconds=0) is False
    assert mailing.deliveries.count() == 2
    assert prepare_selected(mailing, seconds=0) is False
    assert mailing.deliveries.count() == 4
    while not prepare_selected(mailing, seconds=0):
        pass
    assert mailing.deliveries.count() == 5


def test_a_choice_of_nobody_is_prepared_at_once(stored):
    mailing = stored(Customer.objects.none())

    assert prepare_mailings(seconds=60) is False

    mailing.refresh_from_db()
    assert mailing.prepared_at is not None


def test_a_job_that_dies_after_its_last_chunk_is_ended_by_the_next(
    anna, stored, monkeypatch
):
    add_customers(anna, 2)
    mailing = stored()

    def die(mailing):
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(selection, "mark_prepared", die)
        with pytest.raises(KilledError):
            prepare_selected(mailing, seconds=60)
    mailing.refresh_from_db()
    assert mailing.prepared_at is None
    prepare_mailings(seconds=60)

    mailing.refresh_from_db()
    assert mailing.prepared_at is not None
    assert mailing.recipients_count == 2


def test_a_chunk_that_was_not_finished_is_whole_again(
    anna, stored, monkeypatch, chunks_of
):
    chunks_of(2)
    add_customers(anna, 4)
    mailing = stored()
    add_newcomers = selection.add_newcomers

    def add_and_die(*args):
        add_newcomers(*args)
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(selection, "add_newcomers", add_and_die)
        with pytest.raises(KilledError):
            prepare_selected(mailing, seconds=60)
    assert mailing.deliveries.count() == 0
    assert SelectedChunk.objects.count() == 2
    prepare_selected(mailing, seconds=60)

    mailing.refresh_from_db()
    assert mailing.recipients_count == mailing.counts()["queued"] == 4


def test_who_was_deleted_since_is_still_counted(anna, stored):
    first, _second = add_customers(anna, 2)
    mailing = stored()
    first_key = str(first.pk)
    first.delete()

    prepare_selected(mailing, seconds=60)

    mailing.refresh_from_db()
    assert mailing.recipients_count == 2
    assert mailing.counts()["queued"] == 1
    row = mailing.deliveries.get(status="skipped")
    assert (row.object_id, row.reason) == (first_key, "recipient_deleted")


def test_a_cancelled_mailing_gets_its_rows_cancelled(anna, stored):
    add_customers(anna, 2)
    mailing = stored()
    MailingOut.objects.update(status=MailingOut.Status.INTERRUPTED)

    prepare_selected(mailing, seconds=60)

    mailing.refresh_from_db()
    assert mailing.skip_counts() == {"cancelled": 2}
    assert mailing.recipients_count == 2


@pytest.mark.parametrize(
    ("recipients", "count"),
    [
        (lambda all: all.order_by("-pk")[:2], 2),
        (lambda all: all.order_by("name").distinct(), 3),
        (lambda all: all.filter(owner__groups__name__in=["a", "b"]), 3),
    ],
    ids=["sliced", "ordered", "joined"],
)
def test_any_queryset_can_be_stored(anna, stored, recipients, count):
    for name in "ab":
        anna.groups.create(name=name)
    add_customers(anna, 3)

    mailing = stored(recipients(Customer.objects.all()))
    prepare_selected(mailing, seconds=60)

    mailing.refresh_from_db()
    assert mailing.recipients_count == mailing.counts()["queued"] == count


def test_the_oldest_record_of_a_shared_address_is_mailed(anna, stored, chunks_of):
    chunks_of(2)
    people = CustomerFactory.create_batch(5, owner=anna, email="shared@example.com")
    people[0].city = "Delft"
    people[0].save()
    mailing = stored()

    prepare_selected(mailing, seconds=60)

    assert mailing.deliveries.get(status="queued").object_id == str(people[0].pk)
    assert mailing.skip_counts() == {"duplicate": 4}


def test_another_managers_message_is_refused(boris, stored):
    with pytest.raises(NotAllowed):
        stored(owner=boris)

    assert not MailingOut.objects.exists()
    assert not SelectedChunk.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_several_jobs_at_once_add_everybody_once(chunks_of):
    chunks_of(2)
    anna = UserFactory()
    add_customers(anna, 11)
    mailing = store_selection(
        owner=anna,
        message=EmlMessageFactory(owner=anna),
        recipients=Customer.objects.all(),
    )
    start = threading.Barrier(3)

    def job():
        try:
            start.wait()
            prepare_mailings(seconds=60)
        finally:
            connection.close()

    jobs = [threading.Thread(target=job) for _ in range(3)]
    for thread in jobs:
        thread.start()
    for thread in jobs:
        thread.join()

    mailing.refresh_from_db()
    assert mailing.prepared_at is not None
    assert mailing.counts()["queued"] == mailing.recipients_count == 11
