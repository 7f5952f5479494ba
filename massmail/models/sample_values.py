"""The values with which a test is filled."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from massmail.models.delivery import Delivery
from massmail.models.delivery_states import OPEN_STATUSES

Value = str | dt.date | None


class SampleValuesQuerySet(models.QuerySet["SampleValues"]):
    def by_delivery(self, ids: list[int]) -> dict[int, dict[str, Value]]:
        rows = self.filter(delivery__in=ids).values_list("delivery_id", "values")
        return {pk: from_json(values) for pk, values in rows}

    def forget(self) -> int:
        """Delete those of which nothing will be sent any more."""
        # Row by row: a join may begin with the whole ledger.
        delivery = Delivery.objects.filter(pk=models.OuterRef("delivery"))
        rows = self.exclude(models.Exists(delivery.filter(status__in=OPEN_STATUSES)))
        return rows.delete()[0] if rows.exists() else 0


class SampleValues(models.Model):
    """A recipient's values as they were when a test was asked for.

    Not a link to the record: a test goes to somebody else, and nothing that becomes
    of it may touch the record. They are kept only until the test has been sent.
    """

    delivery = models.OneToOneField(
        Delivery, on_delete=models.CASCADE, related_name="sample"
    )
    values = models.JSONField()

    objects = SampleValuesQuerySet.as_manager()

    class Meta:
        verbose_name = _("values of a test")
        verbose_name_plural = _("values of tests")

    def __str__(self) -> str:
        return f"{self.delivery_id}"


def to_json(values: dict[str, Value]) -> dict[str, Any]:
    """Dates, which a filter may format, stay told apart from text."""
    return {name: json_value(value) for name, value in values.items()}


def json_value(value: Value) -> Any:
    if isinstance(value, dt.datetime):
        return {"datetime": value.isoformat()}
    if isinstance(value, dt.date):
        return {"date": value.isoformat()}
    return value


def from_json(values: dict[str, Any]) -> dict[str, Value]:
    return {name: value_of_json(value) for name, value in values.items()}


def value_of_json(value: Any) -> Value:
    match value:
        case {"datetime": text}:
            return dt.datetime.fromisoformat(text)
        case {"date": text}:
            return dt.date.fromisoformat(text)
    return value
