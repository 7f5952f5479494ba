"""Any queryset of a registered model can be mailed."""

from __future__ import annotations

import pytest
from django.db.models import Count, F, Q, Value
from django.db.models.functions import Concat

from massmail.audience.snapshot import create_mailing
from massmail.models import MassContact
from massmail.tests.factories import CustomerFactory, UserFactory
from massmail.tests.hostapp.models import Customer

pytestmark = pytest.mark.django_db

CITIES = ["Delft", "Arnhem", "Breda", "Delft", "Edam", "Arnhem"]


@pytest.fixture
def chosen(anna, message, chunks_of):
    """Creates a mailing in chunks of two; returns the names of its rows."""
    for number, city in enumerate(CITIES):
        CustomerFactory(owner=anna, name=f"c{number}", city=city)
    chunks_of(2)

    def create(recipients):
        mailing = create_mailing(owner=anna, message=message, recipients=recipients)
        names = sorted(mailing.deliveries.values_list("name", flat=True))
        assert mailing.recipients_count == len(names)
        return names

    return create


@pytest.mark.parametrize(
    ("recipients", "names"),
    [
        (lambda all: all.filter(city="Delft"), ["c0", "c3"]),
        (lambda all: all.exclude(city="Delft"), ["c1", "c2", "c4", "c5"]),
        (lambda all: all.order_by("-name"), ["c0", "c1", "c2", "c3", "c4", "c5"]),
        (lambda all: all.order_by("-name")[:3], ["c3", "c4", "c5"]),
        (lambda all: all.order_by("city", "name")[1:4], ["c0", "c2", "c5"]),
        (lambda all: all.order_by("?"), ["c0", "c1", "c2", "c3", "c4", "c5"]),
        (lambda all: all.distinct().filter(city="Edam"), ["c4"]),
        (lambda all: all.filter(city="Edam") | all.filter(city="Breda"), ["c2", "c4"]),
        (lambda all: all.only("name").filter(city="Breda"), ["c2"]),
        (lambda all: all.values("city").filter(city="Breda"), ["c2"]),
        (lambda all: all.annotate(n=Count("owner")).filter(n=1, city="Edam"), ["c4"]),
        (
            lambda all: all.annotate(x=Concat(F("city"), Value("!"))).filter(x="Edam!"),
            ["c4"],
        ),
        (lambda all: all.select_related("owner").filter(city="Edam"), ["c4"]),
        (
            lambda all: all.filter(city="Edam").union(all.filter(city="Breda")),
            ["c2", "c4"],
        ),
        (lambda all: all.none(), []),
    ],
)
def test_what_the_queryset_finds_is_what_is_mailed(chosen, recipients, names):
    assert chosen(recipients(Customer.objects.all())) == names


def test_a_record_that_a_join_finds_twice_is_one_recipient(chosen, anna):
    for name in ("sales", "press"):
        anna.groups.create(name=name)
    joined = Customer.objects.filter(
        Q(owner__groups__name="sales") | Q(owner__groups__name="press"),
        city="Delft",
    )
    assert joined.count() == 4

    assert chosen(joined) == ["c0", "c3"]
    assert chosen(joined.distinct()) == ["c0", "c3"]
    assert MassContact.objects.count() == 2


def test_records_that_a_default_manager_hides_can_be_mailed(chosen):
    assert chosen(Customer._base_manager.filter(city="Edam")) == ["c4"]


def test_rows_of_others_are_chosen_and_skipped(chosen, anna):
    CustomerFactory(owner=UserFactory(), name="foreign", city="Edam")

    assert chosen(Customer.objects.filter(city="Edam")) == ["c4", "foreign"]
