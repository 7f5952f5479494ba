"""Form fields that refuse what a database could neither hold nor compare."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator


class DayInput(forms.DateInput):
    """The browser's own date picker; it wants ISO dates in every language."""

    input_type = "date"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="%Y-%m-%d", **kwargs)


class DayField(forms.DateField):
    """A day whose midnights, in any zone, are moments of a calendar."""

    widget = DayInput
    default_validators = [
        MinValueValidator(dt.date(1900, 1, 1)),
        MaxValueValidator(dt.date(2999, 12, 31)),
    ]


class RowsField(forms.ModelMultipleChoiceField):
    """Ticks of rows; a number beyond all keys is a wrong choice like any other."""

    def clean(self, value: Any) -> Any:
        try:
            return super().clean(value)
        except OverflowError as error:
            raise forms.ValidationError(
                self.error_messages["invalid_choice"],
                code="invalid_choice",
                params={"value": ", ".join(str(key) for key in value)},
            ) from error
