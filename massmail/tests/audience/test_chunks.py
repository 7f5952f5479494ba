"""Recipients are added in chunks; a killed job goes on and adds nobody twice."""

from __future__ import annotations

import re
import threading

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from massmail.audience import snapshot
from massmail.audience.snapshot import create_mailing, prepare
from massmail.models import Delivery, MailingOut, MassContact
from massmail.recipients.registry import source_of
from massmail.recipients.source import RecipientSource
from massmail.tests.factories import (
    CustomerFactory,
    EmlMessageFactory,
    MemberFactory,
    SubscriberFactory,
    UserFactory,
)
from massmail.tests.hostapp.models import Customer
from massmail.tests.mailings import add_customers

FACTORIES = [CustomerFactory, SubscriberFactory, MemberFactory]


class KilledError(Exception):
    """Stands for a worker that dies."""


@pytest.mark.parametrize("people", [0, 1, 2, 3, 4, 6, 7])
@pytest.mark.parametrize("factory", FACTORIES, ids=str)
def test_nobody_is_lost_at_the_border_of_a_chunk(
    anna, message, chunks_of, factory, people
):
    chunks_of(3)
    model = factory._meta.model
    chosen = {str(factory(owner=anna).pk) for _ in range(people)}

    mailing = create_mailing(
        owner=anna, message=message, recipients=model.objects.all()
    )

    rows = mailing.deliveries.values_list("object_id", flat=True)
    assert sorted(rows) == sorted(chosen)
    assert mailing.recipients_count == people
    assert mailing.counts()["queued"] == people


@pytest.mark.parametrize("factory", FACTORIES, ids=str)
@pytest.mark.parametrize("chunks_before", [0, 1, 2])
def test_a_killed_job_goes_on_where_it_stopped(
    anna, message, chunks_of, monkeypatch, factory, chunks_before
):
    chunks_of(2)
    model = factory._meta.model
    factory.create_batch(6, owner=anna)
    left = [chunks_before]
    add_newcomers = snapshot.add_newcomers

    def add_or_die(*args):
        add_newcomers(*args)
        if not left[0]:
            raise KilledError
        left[0] -= 1

    monkeypatch.setattr(snapshot, "add_newcomers", add_or_die)
    with pytest.raises(KilledError):
        create_mailing(owner=anna, message=message, recipients=model.objects.all())
    mailing = MailingOut.objects.get()
    assert mailing.prepared_at is None
    assert mailing.recipients_count == chunks_before * 2
    assert mailing.counts()["queued"] == chunks_before * 2
    assert mailing.counts()["skipped"] == 0

    monkeypatch.setattr(snapshot, "add_newcomers", add_newcomers)
    prepare(mailing, source_of(model), model.objects.all())

    assert mailing.prepared_at is not None
    assert mailing.recipients_count == mailing.counts()["queued"] == 6
    assert MassContact.objects.count() == 6


def test_a_prepared_mailing_is_not_added_to(anna, message):
    CustomerFactory.create_batch(2, owner=anna)
    recipients = Customer.objects.all()
    mailing = create_mailing(owner=anna, message=message, recipients=recipients)
    prepared_at = mailing.prepared_at

    prepare(mailing, source_of(Customer), recipients)

    assert mailing.prepared_at == prepared_at
    assert mailing.recipients_count == mailing.deliveries.count() == 2


def test_a_job_with_an_old_cursor_adds_nothing_twice(anna, message, chunks_of):
    chunks_of(2)
    CustomerFactory.create_batch(5, owner=anna)
    recipients = Customer.objects.all()
    mailing = create_mailing(owner=anna, message=message, recipients=recipients)
    late = MailingOut.objects.get(pk=mailing.pk)
    late.selection = {}

    prepare(late, source_of(Customer), recipients)

    assert late.recipients_count == Delivery.objects.count() == 5


@pytest.mark.django_db(transaction=True)
def test_two_jobs_at_once_add_everybody_once(chunks_of):
    chunks_of(2)
    anna = UserFactory()
    add_customers(anna, 12)
    recipients = Customer.objects.all()
    mailing = create_mailing(
        owner=anna,
        message=EmlMessageFactory(owner=anna),
        recipients=recipients.none(),
    )
    MailingOut.objects.update(prepared_at=None)
    start = threading.Barrier(3)

    def job():
        try:
            mine = MailingOut.objects.get(pk=mailing.pk)
            start.wait()
            prepare(mine, source_of(Customer), recipients)
        finally:
            connection.close()

    jobs = [threading.Thread(target=job) for _ in range(3)]
    for thread in jobs:
        thread.start()
    for thread in jobs:
        thread.join()

    mailing.refresh_from_db()
    assert mailing.prepared_at is not None
    assert mailing.counts()["queued"] == mailing.recipients_count == 12
    assert MassContact.objects.count() == 12


def test_the_number_of_queries_grows_with_the_chunks_alone(anna, message, chunks_of):
    chunks_of(20)
    add_customers(anna, 80)

    def queries_for(count):
        recipients = Customer.objects.order_by("pk")[:count]
        with CaptureQueriesContext(
            connection,
        ) as captured:
            create_mailing(owner=anna, message=message, recipients=recipients)
        return len(captured)

    queries_for(80)  # identities and content types are there from now on
    one, two, four = (queries_for(count) for count in (20, 40, 80))
    assert four - two == 2 * (two - one)
    assert queries_for(21) == two


def test_no_query_fetches_more_than_a_chunk(anna, message, chunks_of, monkeypatch):
    chunks_of(5)
    add_customers(anna, 23)
    sizes = []
    recipients_of = RecipientSource.recipients

    def measured(source, pks):
        sizes.append(len(list(pks)))
        return recipients_of(source, pks)

    monkeypatch.setattr(RecipientSource, "recipients", measured)
    create_mailing(owner=anna, message=message, recipients=Customer.objects.all())

    assert sizes == [5, 5, 5, 5, 3]


def test_the_records_are_looked_through_once(anna, message, chunks_of):
    """The database may look through all of them to find which are meant."""
    chunks_of(5)
    add_customers(anna, 23)
    chosen = Customer.objects.filter(owner=anna)

    with CaptureQueriesContext(connection) as captured:
        create_mailing(owner=anna, message=message, recipients=chosen)

    searches = [
        query["sql"]
        for query in captured
        if re.search(r'IN \(SELECT [^()]* FROM "hostapp_customer"', query["sql"])
        and "owner_id" in query["sql"]
    ]
    assert len(searches) == 2, [query["sql"] for query in captured]
