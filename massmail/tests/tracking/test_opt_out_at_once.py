"""The opt-out in one statement: the long way's rows, and nothing in any other case."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection, transaction

from massmail import tokens
from massmail.models import (
    Delivery,
    DeliveryEvent,
    MassContact,
    SuppressedAddress,
    SuppressionChange,
)
from massmail.models.ordinary_opt_out import opt_out_at_once, statement
from massmail.models.server_statement import numbered
from massmail.tests.factories import (
    NOW,
    CustomerFactory,
    DeliveryFactory,
    EmailAccountFactory,
    MassContactFactory,
    MemberFactory,
    SubscriberFactory,
    SuppressedAddressFactory,
)
from massmail.tests.sending.test_cost import counted
from massmail.tracking import responses
from massmail.tracking.responses import unsubscribe

pytestmark = pytest.mark.django_db
ADDRESS = "zoe@example.com"
WRITTEN = (SuppressedAddress, SuppressionChange, DeliveryEvent, MassContact, Delivery)
# Of each of two worlds alone.
OWN = {"id", "uuid", "created_at"}


def delivery_to(factory=CustomerFactory, **fields) -> Delivery:
    return DeliveryFactory(recipient=factory(email=ADDRESS), **fields)


def token_of(delivery: Delivery) -> str:
    return tokens.make(
        "unsubscribe", delivery_id=delivery.pk, address_key=delivery.address_key
    )


def at_once(delivery: Delivery) -> dict[int, list[str]]:
    return opt_out_at_once(
        delivery.pk, delivery.address_key, now=NOW, source="link", detail=""
    )


def rows() -> dict[str, list[dict]]:
    """All that an opt-out may write, without what differs from time to time."""
    return {
        model.__name__: sorted(
            (
                {
                    name: value
                    for name, value in row.items()
                    if name not in OWN
                    and (model is not SuppressionChange or name != "occurred_at")
                }
                for row in model.objects.values()
            ),
            key=str,
        )
        for model in WRITTEN
    }


def rows_after(text: str) -> dict[str, list[dict]]:
    with transaction.atomic():
        unsubscribe(text, now=NOW, detail='too_many: 5% "off" \\ {me}', source="a link")
        found = rows()
        transaction.set_rollback(True)
    return found


@pytest.fixture
def zoe() -> Delivery:
    """A mail that has arrived; her other records, some of them known, and mails."""
    customer = CustomerFactory(email=ADDRESS)
    delivery = DeliveryFactory(recipient=customer, status="sent")
    delivery_to(SubscriberFactory, status="failed")
    delivery_to(MemberFactory)
    DeliveryFactory()
    identity = MassContactFactory(
        recipient=customer,
        is_vip=True,
        allows_tracking=False,
        email_account=EmailAccountFactory(),
    )
    Delivery.objects.filter(pk=delivery.pk).update(mass_contact=identity)
    return delivery


def test_both_ways_leave_the_same_rows(zoe, monkeypatch):
    before = rows()
    short = rows_after(token_of(zoe))
    monkeypatch.setattr(responses, "opt_out_at_once", lambda *args, **kwargs: {})
    long = rows_after(token_of(zoe))

    assert short == long
    assert rows() == before
    assert [len(long[model.__name__]) for model in WRITTEN] == [1, 1, 1, 3, 4]
    assert [row["status"] for row in long["Delivery"]].count("skipped") == 1
    assert not any(row["subscribed"] for row in long["MassContact"])


def test_an_identity_stays_the_same_one(zoe):
    known = MassContact.objects.get()

    unsubscribe(token_of(zoe), now=NOW)

    identity = MassContact.objects.get(pk=known.pk)
    assert (identity.uuid, identity.is_vip) == (known.uuid, True)
    assert len(set(MassContact.objects.values_list("uuid", flat=True))) == 3


def test_the_moments_are_those_of_the_request_and_of_the_writing(zoe):
    began = dt.datetime.now(dt.UTC)

    unsubscribe(token_of(zoe), now=NOW)

    assert DeliveryEvent.objects.get().occurred_at == NOW
    added = SuppressedAddress.objects.get().created_at
    assert began <= added <= dt.datetime.now(dt.UTC)
    assert abs(SuppressionChange.objects.get().occurred_at - added) < dt.timedelta(
        seconds=5
    )


def on_the_list(delivery: Delivery) -> None:
    SuppressedAddressFactory(address=delivery.address, reason="hard_bounce")


def changed(**fields):
    return lambda delivery: Delivery.objects.filter(pk=delivery.pk).update(**fields)


@pytest.mark.parametrize(
    "happens",
    [
        on_the_list,
        changed(status="uncertain"),
        changed(status="failed"),
        changed(address="new@example.com", address_key="f" * 32),
        changed(content_type=None),
        Delivery.delete,
    ],
    ids=["on the list", "uncertain", "failed", "moved", "no record", "gone"],
)
def test_what_is_not_ordinary_it_leaves_alone(happens):
    delivery = delivery_to(status="sent")
    waiting = delivery_to(SubscriberFactory)
    happens(Delivery.objects.get(pk=delivery.pk))
    before = rows()

    assert at_once(delivery) == {}

    assert rows() == before
    assert Delivery.objects.get(pk=waiting.pk).status == "queued"


def test_a_second_time_it_does_nothing(zoe):
    unsubscribe(token_of(zoe), now=NOW)
    before = rows()

    assert at_once(zoe) == {}
    assert rows() == before


@pytest.mark.services
def test_it_names_the_records_in_the_order_in_which_they_are_locked(zoe):
    delivery_to(MemberFactory, status="sent")

    with counted() as statements:
        found = at_once(zoe)

    assert len(statements) == 1
    records = set(
        Delivery.objects.filter(address_key=zoe.address_key).values_list(
            "content_type_id", "object_id"
        )
    )
    assert len(records) == 4
    assert [(kind, key) for kind, keys in found.items() for key in keys] == sorted(
        records
    )


@pytest.mark.services
def test_it_never_reads_all_that_waits(zoe):
    """Though the statistics say that nothing does, as they do when a mailing begins."""
    sql = numbered(statement("default").sql)
    with connection.cursor() as cursor:
        Delivery.objects.update(status="sent")
        cursor.execute("ANALYZE massmail_delivery")
        Delivery.objects.exclude(pk=zoe.pk).update(status="queued")
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"PREPARE one_opt_out AS {sql}")
        cursor.execute(
            "EXPLAIN EXECUTE one_opt_out(%s, %s, '', '', now(), now())",
            [zoe.pk, zoe.address_key],
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())
        cursor.execute("DEALLOCATE one_opt_out")

    assert "delivery_queue" not in plan, plan
    assert "delivery_by_address" in plan
