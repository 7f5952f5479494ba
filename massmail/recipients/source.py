"""The small class by which a host's model becomes a kind of recipient."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any, ClassVar, cast

from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import (
    FieldError,
    ImproperlyConfigured,
    ValidationError,
)
from django.db import models
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Cast, Replace

from common.given_rows import GivenKeys
from common.utils.helpers import one_line
from massmail.recipients.filtering import RecipientFilter

VariableValue = str | dt.date | None


@dataclass(frozen=True, slots=True)
class Recipient:
    """A host's record as the sender sees it; all texts are on one line."""

    object_id: str
    address: str
    name: str = ""
    language: str = ""
    time_zone: str = ""
    variables: dict[str, VariableValue] = field(default_factory=dict)


class RecipientSource:
    """Describes a host's model to massmail; register it with `@register(Model)`.

    Subclass: attributes hold ORM paths, only `address` is required.
    """

    # --- yours: ORM paths
    address: ClassVar[str]
    name: ClassVar[str] = ""
    language: ClassVar[str] = ""
    time_zone: ClassVar[str] = ""
    # Variable of a message → ORM path.
    variables: ClassVar[dict[str, str]] = {}
    # Why a record is not mailed → condition. `disqualified` and `opted_out` have
    # their own names in the ledger, every other one reads "excluded".
    exclusions: ClassVar[dict[str, Q]] = {}
    # What the "Create mailing" page asks to choose among the records.
    filter_form: ClassVar[type[RecipientFilter] | None] = None

    def addressable_by(self, user: Any) -> QuerySet:
        """The records that this user may mail.

        Also a subquery of the check that precedes each hand-over, so it must be
        one queryset of the model, without slices or unions.
        """
        raise NotImplementedError(f"{type(self).__name__}.addressable_by()")

    def on_unsubscribe(self, ids: Sequence[Any]) -> None:
        """People opted out: mark the records with these primary keys. Idempotent."""

    def on_resubscribe(self, ids: Sequence[Any]) -> None:
        """People asked to be mailed again: the reverse. Idempotent."""

    # --- massmail's: no need to override

    def __init__(self, model: type[models.Model]) -> None:
        self.model = model

    @property
    def content_type(self) -> ContentType:
        return ContentType.objects.get_for_model(self.model)

    @property
    def label(self) -> str:
        """The stable name of the source, `app_label.modelname`."""
        return label_of(self.model)

    def records_for(self, user: Any) -> QuerySet:
        """What `addressable_by` answers; raises ImproperlyConfigured for anything else
        than the queryset that it promises."""
        records = self.addressable_by(user)
        if problem := self._problem_of(records):
            raise ImproperlyConfigured(
                f"{type(self).__name__}.addressable_by() must return one queryset of "
                f"{self.label}, without slices or unions; it returned {problem}."
            )
        return records

    def _problem_of(self, records: Any) -> str:
        if not isinstance(records, QuerySet):
            return f"{type(records).__name__}"
        if label_of(records.model) != self.label:
            return f"records of {label_of(records.model)}"
        if records.query.is_sliced:
            return "a slice"
        return "a union" if records.query.combinator else ""

    def recipients(self, pks: Iterable[Any]) -> dict[str, Recipient]:
        """Recipients by object id, in one query; vanished records are absent."""
        own, variables = self._own_paths(), self.variables
        keys = GivenKeys(key_field(self.model), list(pks))
        found = self.model._base_manager.filter(pk__in=keys).order_by()
        rows = found.values_list("pk", *own.values(), *variables.values())
        names, count = list(variables), 1 + len(own)
        return {
            str(row[0]): Recipient(
                object_id=str(row[0]),
                variables=dict(
                    zip(names, map(variable_value, row[count:]), strict=True)
                ),
                **{
                    name: one_line(value or "", 320)
                    for name, value in zip(own, row[1:count], strict=True)
                },
            )
            for row in rows
        }

    def without_variables(self) -> RecipientSource:
        """The same for who wants addresses and names alone: no other tables."""
        bare = copy(self)
        bare.variables = {}  # type: ignore[misc]
        return bare

    def pk_of(self, object_id: str) -> Any:
        """The primary key for a stored object id; None when it cannot be one."""
        try:
            return self.model._meta.pk.to_python(object_id)
        except ValidationError:
            return None

    def problems(self) -> Iterator[str]:
        """What is wrong with the declaration, for the system check."""
        name = type(self).__name__
        if not getattr(self, "address", ""):
            yield f"{name} needs `address`, the ORM path of the address."
            return
        if type(self).addressable_by is RecipientSource.addressable_by:
            yield f"{name} needs `addressable_by()`: who may mail which records."
        for variable in self.variables:
            if not variable.isidentifier():
                yield f"{name}: no message can use a variable '{variable}'."
        for path in (*self._own_paths().values(), *self.variables.values()):
            if not path_exists(self.model, path):
                yield f"{name}: {self.label} has no path '{path}'."
        for reason, condition in self.exclusions.items():
            if problem := condition_problem(self.model, condition):
                yield f"{name}: the exclusion '{reason}' cannot be asked: {problem}"

    def _own_paths(self) -> dict[str, str]:
        """Those of `Recipient`'s own fields."""
        names = ("address", "name", "language", "time_zone")
        return {name: path for name in names if (path := getattr(self, name))}


def variable_value(value: Any) -> VariableValue:
    """Dates stay dates for the date filter, all else becomes text."""
    if value is None or isinstance(value, (str, dt.date)):
        return value
    return str(value)


def path_exists(model: type[models.Model], path: str) -> bool:
    """Whether the ORM can read a value at the path: a column, or a part of one."""
    try:
        model._base_manager.values_list(path)
    except FieldError:
        return False
    return True


def condition_problem(model: type[models.Model], condition: Any) -> str:
    """Why the ORM cannot ask it of the model's records; "" when it can."""
    if not getattr(condition, "conditional", False):
        return f"{condition!r} is no Q."
    try:
        model._base_manager.filter(condition)
    except (FieldError, TypeError, ValueError) as error:
        return str(error)
    return ""


def label_of(model: type[models.Model]) -> str:
    """`app_label.modelname`; of a proxy, that of the model whose rows it shows."""
    concrete = cast(type[models.Model], model._meta.concrete_model)
    return concrete._meta.label_lower


def object_id_as_pk(model: type[models.Model], column: Any) -> Any:
    """The stored object id as an expression of the model's primary key's type.

    Never the key to text: SQLite keeps UUIDs without dashes, and a cast of the
    host's column would keep its index from serving. The rows must be narrowed to
    the model's content type: other models' ids may not convert.
    """
    key = key_field(model)
    if isinstance(key, models.UUIDField):
        return UUIDFromText(column)
    if isinstance(key, models.IntegerField):
        return Cast(column, models.BigIntegerField())
    return column


def key_field(model: type[models.Model]) -> models.Field:
    """The primary key; of a child's, that of its parent's table."""
    key = model._meta.pk
    while key.remote_field:
        key = key.remote_field.model._meta.pk
    return key


class UUIDFromText(Cast):
    """CAST to the native type; dashes removed where the column is text."""

    def __init__(self, expression: Any) -> None:
        super().__init__(expression, models.UUIDField())

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        source = self.get_source_expressions()[0]
        text = Replace(source, Value("-"), Value(""), output_field=models.CharField())
        return text.as_sql(compiler, connection, **context)
