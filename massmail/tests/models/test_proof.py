"""The one door through which an uncertain delivery becomes certain."""

from __future__ import annotations

import datetime as dt

import pytest

from massmail.models import Delivery, DeliveryEvent
from massmail.models.proof import resolve_by_proof
from massmail.tests.factories import NOW, DeliveryFactory, UserFactory

pytestmark = pytest.mark.django_db
LATER = NOW + dt.timedelta(hours=1)


@pytest.mark.parametrize(("sent", "status"), [(True, "sent"), (False, "queued")])
def test_a_proof_settles_it_and_is_kept(sent, status):
    row = DeliveryFactory(status="uncertain", attempts=2)
    by = UserFactory()

    assert resolve_by_proof(row.pk, sent=sent, now=LATER, detail="a click", by=by)

    row.refresh_from_db()
    assert row.status == status
    event = DeliveryEvent.objects.get()
    kind = "resolved" if sent else "put_back"
    assert (event.delivery, event.kind, event.detail) == (row, kind, "a click")
    assert (event.by, event.occurred_at) == (by, LATER)


@pytest.mark.parametrize(
    "status", [s.value for s in Delivery.Status if s.value != "uncertain"]
)
def test_what_is_certain_needs_no_proof(status):
    row = DeliveryFactory(status=status)
    before = Delivery.objects.values().get()

    assert not resolve_by_proof(row.pk, sent=True, now=LATER, detail="a click")

    assert Delivery.objects.values().get() == before
    assert not DeliveryEvent.objects.exists()


def test_of_two_proofs_the_first_counts():
    row = DeliveryFactory(status="uncertain")

    assert resolve_by_proof(row.pk, sent=True, now=LATER, detail="a click")
    assert not resolve_by_proof(row.pk, sent=False, now=LATER, detail="a bounce")

    row.refresh_from_db()
    assert row.status == "sent"
    assert DeliveryEvent.objects.get().detail == "a click"


def test_a_row_can_become_uncertain_and_certain_again():
    row = DeliveryFactory(status="uncertain", attempts=1)
    resolve_by_proof(row.pk, sent=False, now=LATER, detail="a bounce")
    Delivery.objects.update(status="uncertain", attempts=2)

    assert resolve_by_proof(row.pk, sent=True, now=LATER, detail="a reply")
    assert DeliveryEvent.objects.count() == 2
