"""SQL that is made once: what a host writes into its conditions stays as it is."""

from __future__ import annotations

import datetime as dt
import math
import uuid

import pytest
from django.db import connection
from django.db.models import BooleanField, FloatField, Q, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast
from django.db.models.lookups import LessThan

from massmail.models import Delivery
from massmail.models.prepared import (
    MARKED_YEAR,
    NOW,
    TOKEN,
    UNTIL,
    Among,
    NotPreparable,
    PreparedUpdate,
)
from massmail.tests.factories import NOW as MOMENT
from massmail.tests.factories import DeliveryFactory

pytestmark = pytest.mark.django_db
LATER = MOMENT + dt.timedelta(minutes=1)


def changed(condition: object, rows: list[Delivery]) -> set[str]:
    """Names of the rows that an UPDATE with the condition took."""
    update = PreparedUpdate(
        Delivery.objects.filter(Among("pk"), condition),
        {"sending_at": NOW, "not_before": UNTIL},
    )
    params = update.params([row.pk for row in rows], uuid.uuid4(), MOMENT, LATER)
    with connection.cursor() as cursor:
        cursor.execute(update.sql, params)
    taken = Delivery.objects.filter(sending_at=MOMENT, not_before=LATER)
    return set(taken.values_list("name", flat=True))


@pytest.mark.parametrize(
    "condition",
    [
        Q(name__startswith="50% of"),
        RawSQL("name LIKE '50%% of%%s'", [], output_field=BooleanField()),
        RawSQL("name LIKE %s AND 7 %% 4 = 3", ["50%bags"], output_field=BooleanField()),
    ],
    ids=["lookup", "raw", "raw with a parameter"],
)
def test_percent_signs_are_a_hosts_own(condition):
    rows = [DeliveryFactory(name=name) for name in ("50% of bags", "51% of bags")]

    assert changed(condition, rows) == {"50% of bags"}


@pytest.mark.parametrize("name", ["O'Hara \\ %s %%", "line\nbreak", "Ünïcode 😀"])
def test_any_text_can_stand_in_a_condition(name):
    rows = [DeliveryFactory(name=name), DeliveryFactory(name="another")]

    assert changed(Q(name=name), rows) == {name}


@pytest.mark.parametrize("sign", [1, -1])
def test_numbers_without_an_end_can_stand_in_a_condition(sign):
    rows = [DeliveryFactory(name="Ann")]
    endless = Value(sign * math.inf, output_field=FloatField())
    number = Cast("attempts", FloatField())

    assert changed(Q(LessThan(number, endless)), rows) == (
        {"Ann"} if sign > 0 else set()
    )


def test_constants_are_part_of_the_statement():
    """SQLite would plan it anew for each execution."""
    condition = Q(name="Ann", attempts=0, not_before__lt=MOMENT)
    update = PreparedUpdate(
        Delivery.objects.filter(Among("pk"), condition), {"reason": ""}
    )

    assert update.sql.count("%s") == 1


def test_only_the_given_rows_are_changed():
    first, second = DeliveryFactory(name="first"), DeliveryFactory(name="second")

    assert changed(Q(priority=second.priority), [second]) == {"second"}
    assert first.name not in changed(Q(name="first"), [second])


def test_a_value_that_was_computed_from_a_marker_is_refused():
    tomorrow = NOW + dt.timedelta(days=40)
    assert tomorrow.year == MARKED_YEAR

    with pytest.raises(NotPreparable):
        PreparedUpdate(
            Delivery.objects.filter(claim_token=TOKEN, not_before__lt=tomorrow),
            {"sending_at": NOW},
        )
