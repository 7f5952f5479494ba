"""Mail that comes back while the database fails, or by two ways at the same time."""

from __future__ import annotations

import itertools

import pytest
from django.db import OperationalError

from massmail.models import (
    Alert,
    Delivery,
    DeliveryEvent,
    MailingOut,
    MassContact,
    SuppressedAddress,
    SuppressionChange,
)
from massmail.orchestrator.returns import receive
from massmail.tests.factories import NOW
from massmail.tests.faults.clicks import in_threads
from massmail.tests.faults.failing_database import failing_database
from massmail.tests.inbound.returned import sample, sent_mail
from massmail.tracking import responses

pytestmark = pytest.mark.django_db(transaction=True)

WRITTEN = (
    Alert,
    Delivery,
    DeliveryEvent,
    MailingOut,
    MassContact,
    SuppressedAddress,
    SuppressionChange,
)
# What is another one each time.
OWN = {"id", "uuid", "created_at", "occurred_at", "source_key", "updated_at"}
WRITING = (
    "gmail_not_authenticated",
    "postfix_unknown_user",
    "arf_abuse",
    "apple_mail_reply",
    "postfix_delayed",
)
# The others take the same steps, or fewer.
MOST_STEPS = ("gmail_not_authenticated", "arf_abuse")
EACH = [
    pytest.param(name, marks=() if name in MOST_STEPS else pytest.mark.faults)
    for name in WRITING
]


def rows():
    return {
        model.__name__: [
            {name: value for name, value in row.items() if name not in OWN}
            for row in model.objects.order_by("pk").values()
        ]
        for model in WRITTEN
    }


def unsure_mail():
    return sent_mail(status="uncertain", sent_at=None, reason="no_answer_after_dot")


def undo(delivery):
    """As it was before, for the next place to fail at."""
    MassContact.objects.all().delete()
    Alert.objects.all().delete()
    DeliveryEvent.objects.all().delete()
    SuppressedAddress.objects.all().delete()
    SuppressionChange.objects.all().delete()
    Delivery.objects.filter(pk=delivery.pk).update(
        status="uncertain", sent_at=None, reason="no_answer_after_dot"
    )
    MailingOut.objects.update(status="A", stop_reason="")


@pytest.mark.parametrize("where", ["statement", "undone", "unanswered"])
@pytest.mark.parametrize("name", EACH)
def test_wherever_it_fails_all_is_written_or_nothing(name, where):
    delivery = unsure_mail()
    raw = sample(name, delivery)
    before = rows()
    receive(raw, now=NOW)
    after = rows()
    assert after != before
    for number in itertools.count(1):
        undo(delivery)
        with failing_database(where, number) as failing:
            try:
                receive(raw, now=NOW)
            except OperationalError:
                assert rows() == (after if where == "unanswered" else before)
        receive(raw, now=NOW)
        assert rows() == after
        if failing.count < number:
            break
    assert number > 1


@pytest.mark.parametrize("name", [*WRITING, "arf_opt_out", "unsubscribe_by_mail"])
def test_two_who_take_in_one_mail_at_once_write_it_once(name):
    delivery = unsure_mail()
    raw = sample(name, delivery)

    found = in_threads(2, lambda: receive(raw, now=NOW))

    assert {one.delivery_ids for one in found} == {(delivery.pk,)}
    if name not in ("arf_opt_out", "unsubscribe_by_mail"):
        assert sorted(one.is_news for one in found) == [False, True]
    written = rows()
    receive(raw, now=NOW)
    assert rows() == written
    assert len(written["SuppressedAddress"]) == len(written["SuppressionChange"])


def test_who_leaves_while_his_complaint_comes_in_does_not_wait_for_it():
    """Both lock the same rows, in the same order."""
    delivery = unsure_mail()
    complaint = sample("arf_abuse", delivery)
    token = responses.tokens.make(
        "unsubscribe", delivery_id=delivery.pk, address_key=delivery.address_key
    )
    acts = iter(
        [
            lambda: receive(complaint, now=NOW),
            lambda: responses.unsubscribe(token, now=NOW),
        ]
    )

    found = in_threads(2, lambda: next(acts)())

    assert len(found) == 2
    assert SuppressedAddress.objects.get().reason == "opted_out"
    delivery.refresh_from_db()
    assert delivery.status == "sent"
