"""Opting out, whatever is left of the rows."""

from __future__ import annotations

import threading

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from massmail import signals, tokens
from massmail.models import (
    Delivery,
    DeliveryEvent,
    MailingOut,
    MassContact,
    SuppressedAddress,
)
from massmail.recipients.registry import source_of
from massmail.tests.factories import (
    NOW,
    CustomerFactory,
    DeliveryFactory,
    MassContactFactory,
    MemberFactory,
    SubscriberFactory,
    SuppressedAddressFactory,
)
from massmail.tests.hostapp.models import Customer
from massmail.tracking.responses import unsubscribe

Status = Delivery.Status
pytestmark = pytest.mark.django_db


def token_of(delivery: Delivery) -> str:
    return tokens.make(
        "unsubscribe", delivery_id=delivery.pk, address_key=delivery.address_key
    )


@pytest.fixture
def commit(django_capture_on_commit_callbacks):
    """Unsubscribe as a request of its own would: callbacks of the commit run."""

    def run(text: str) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            unsubscribe(text, now=NOW)

    return run


@pytest.fixture
def heard():
    """What receivers of the signal got."""
    calls = []

    def receive(**kwargs):
        calls.append(kwargs)

    signals.unsubscribed.connect(receive)
    yield calls
    signals.unsubscribed.disconnect(receive)


def identity(record) -> MassContact:
    content_type = ContentType.objects.get_for_model(record)
    return MassContact.objects.get(content_type=content_type, object_id=record.pk)


def test_the_address_is_suppressed_as_an_opt_out():
    delivery = DeliveryFactory(status=Status.SENT)

    unsubscribe(token_of(delivery), now=NOW)

    row = SuppressedAddress.objects.get()
    assert row.address == delivery.address
    assert row.address_key == delivery.address_key
    assert row.reason == SuppressedAddress.Reason.OPTED_OUT
    assert row.source == "unsubscribe link"


def test_a_suppression_for_another_reason_becomes_an_opt_out():
    delivery = DeliveryFactory(status=Status.SENT)
    SuppressedAddressFactory(address=delivery.address, reason="hard_bounce")

    unsubscribe(token_of(delivery), now=NOW)

    assert SuppressedAddress.objects.get().reason == "opted_out"


def test_all_records_that_were_mailed_at_the_address_are_unsubscribed(commit):
    customer = CustomerFactory(email="shared@example.com")
    subscriber = SubscriberFactory(email="Shared@EXAMPLE.com")
    stranger = MassContactFactory()
    first = DeliveryFactory(recipient=customer, status=Status.SENT)
    DeliveryFactory(recipient=subscriber, status=Status.SENT)

    commit(token_of(first))

    assert not identity(customer).subscribed
    assert not identity(subscriber).subscribed
    stranger.refresh_from_db()
    assert stranger.subscribed


def test_the_host_is_told_with_its_own_keys(commit):
    people = [
        factory(email="shared@example.com")
        for factory in (CustomerFactory, SubscriberFactory, MemberFactory)
    ]
    other = CustomerFactory()
    deliveries = [DeliveryFactory(recipient=person) for person in people]

    commit(token_of(deliveries[0]))

    for person in people:
        person.refresh_from_db()
        assert not person.accepts_mailings
    other.refresh_from_db()
    assert other.accepts_mailings


def test_receivers_hear_of_it_after_the_commit(commit, heard):
    delivery = DeliveryFactory(status=Status.SENT)

    unsubscribe(token_of(delivery), now=NOW)
    assert heard == []

    commit(token_of(delivery))
    assert len(heard) == 1
    assert heard[0]["content_type"] == delivery.content_type
    assert heard[0]["object_ids"] == [delivery.object_id]
    assert heard[0]["address"] == delivery.address
    assert heard[0]["delivery"] == delivery


def test_a_fault_of_the_host_does_not_cost_the_opt_out(commit, monkeypatch, caplog):
    def broken(ids):
        raise RuntimeError("the host is down")

    delivery = DeliveryFactory(status=Status.SENT)
    monkeypatch.setattr(source_of(Customer), "on_unsubscribe", broken)

    commit(token_of(delivery))

    assert SuppressedAddress.objects.covers(delivery.address)
    assert "the host is down" in caplog.text


def test_waiting_mail_to_the_address_is_skipped_in_every_mailing():
    customer = CustomerFactory(email="shared@example.com")
    waiting = DeliveryFactory(recipient=customer)
    elsewhere = DeliveryFactory(recipient__email="shared@example.com")
    stranger = DeliveryFactory()

    unsubscribe(token_of(waiting), now=NOW)

    for row in (waiting, elsewhere):
        row.refresh_from_db()
        assert (row.status, row.reason) == (Status.SKIPPED, "opted_out")
    stranger.refresh_from_db()
    assert stranger.status == Status.QUEUED


@pytest.mark.parametrize("status", [Status.CLAIMED, Status.SENDING, Status.FAILED])
def test_rows_that_are_not_waiting_stay_as_they_are(status):
    delivery = DeliveryFactory(status=status)

    unsubscribe(token_of(delivery), now=NOW)

    delivery.refresh_from_db()
    assert delivery.status == status


def test_it_happens_once_however_often_it_is_asked():
    delivery = DeliveryFactory(status=Status.SENT)

    unsubscribe(token_of(delivery), now=NOW)
    unsubscribe(token_of(delivery), now=NOW)

    event = DeliveryEvent.objects.get()
    assert event.kind == DeliveryEvent.Kind.UNSUBSCRIBED
    assert event.source_key == f"unsubscribed:{delivery.pk}"
    assert SuppressedAddress.objects.count() == 1
    assert MassContact.objects.count() == 1


def test_it_proves_that_an_uncertain_mail_was_delivered():
    delivery = DeliveryFactory(
        status=Status.UNCERTAIN, mailing__status=MailingOut.Status.NEEDS_PERSON
    )

    unsubscribe(token_of(delivery), now=NOW)

    delivery.refresh_from_db()
    assert delivery.status == Status.SENT
    assert set(DeliveryEvent.objects.values_list("kind", flat=True)) == {
        "unsubscribed",
        "resolved",
    }


def test_it_works_when_every_row_is_gone(commit, heard):
    delivery = DeliveryFactory(status=Status.SENT)
    text = token_of(delivery)
    delivery.delete()

    commit(text)

    row = SuppressedAddress.objects.get()
    assert (row.address, row.address_key) == ("", delivery.address_key)
    assert DeliveryEvent.objects.count() == 0
    assert heard == []


def test_an_erased_address_stays_erased():
    delivery = DeliveryFactory(status=Status.SENT)
    Delivery.objects.filter(pk=delivery.pk).update(address="")

    unsubscribe(token_of(delivery), now=NOW)

    assert SuppressedAddress.objects.get().address == ""


def test_a_changed_address_of_the_row_is_not_suppressed():
    delivery = DeliveryFactory(status=Status.SENT)
    text = token_of(delivery)
    Delivery.objects.filter(pk=delivery.pk).update(
        address="new@example.com", address_key="f" * 32
    )

    unsubscribe(text, now=NOW)

    row = SuppressedAddress.objects.get()
    assert (row.address, row.address_key) == ("", delivery.address_key)
    assert not MassContact.objects.get().subscribed


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "\0",
        "é" * 20,
        "A" * 54,
        "A" * 10_000,
        tokens.make("view", delivery_id=1, address_key="0" * 32),
    ],
    ids=["empty", "short", "nul", "not ASCII", "forged", "long", "other purpose"],
)
def test_a_token_of_no_use_changes_nothing(text):
    delivery = DeliveryFactory()

    with pytest.raises(tokens.InvalidToken):
        unsubscribe(text, now=NOW)

    delivery.refresh_from_db()
    assert delivery.status == Status.QUEUED
    assert SuppressedAddress.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_two_at_once_are_one():
    delivery = DeliveryFactory(status=Status.SENT)
    text = token_of(delivery)
    start = threading.Barrier(2)
    errors = []

    def click() -> None:
        try:
            start.wait(timeout=10)
            unsubscribe(text, now=NOW)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=click) for _number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert errors == []
    assert SuppressedAddress.objects.count() == 1
    assert DeliveryEvent.objects.count() == 1
    assert not MassContact.objects.get().subscribed
