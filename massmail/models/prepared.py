"""Statements that the ORM makes once and that are executed many times.

To make the SQL of a hand-over takes the ORM longer than the database needs for it.
What differs between executions stands in it as a marker until then.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import count
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections, models, router
from django.db.models.expressions import ExpressionWrapper, Func, Value
from django.db.models.sql import UpdateQuery

# Markers. No date that anybody compares with is of that year.
MARKED_YEAR = 1111
NOW = dt.datetime(MARKED_YEAR, 1, 1, tzinfo=dt.UTC)
UNTIL = dt.datetime(MARKED_YEAR, 1, 2, tzinfo=dt.UTC)
TOKEN = uuid.UUID(int=MARKED_YEAR)
IDS = "massmail: ids"
PLACEHOLDER = re.compile("%%|%s")


class NotPreparable(ValueError):
    """Something was computed from a marker: it would be wrong in each execution."""


class Among(Func):
    """Whether a column is one of the ids that come as one parameter."""

    arity = 2

    def __init__(self, column: str) -> None:
        ids = Value(IDS, output_field=models.TextField())
        super().__init__(column, ids, output_field=models.BooleanField())

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        context |= {"template": "%(expressions)s::bigint[])", "arg_joiner": " = ANY("}
        return self.as_sql(compiler, connection, **context)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        among = " IN (SELECT value FROM json_each("
        context |= {"template": "%(expressions)s))", "arg_joiner": among}
        return self.as_sql(compiler, connection, **context)


class OfFoundRows(Func):
    """A condition that is asked of rows found by their ids, and finds none itself.

    PostgreSQL's statistics of a table that is just being worked off are wrong. It would
    look rows up by status or lease and read all that are claimed, and the dead entries
    of all before them. See `by_index`, too.
    """

    template = "COALESCE((%(expressions)s), FALSE)"

    def __init__(self, condition: Any) -> None:
        """A Q, or the WHERE of a query."""
        wrapped = ExpressionWrapper(condition, output_field=models.BooleanField())
        super().__init__(wrapped, output_field=models.BooleanField())


class PreparedUpdate:
    """`queryset.update(**values)`, with markers in either.

    `sql` has no RETURNING yet; it is empty where no row can ever match (`none()`).
    Raises NotPreparable.
    """

    def __init__(self, queryset: models.QuerySet, values: Mapping[str, Any]) -> None:
        self.alias = queryset.db
        query: Any = queryset.query.chain(UpdateQuery)
        query.add_update_values(values)
        try:
            sql, params = query.get_compiler(self.alias).as_sql()
        except EmptyResultSet:
            sql, params = "", ()
        self._params = list(params)
        self._places = list(self._marked_places())
        self.sql = by_index(sql, connections[self.alias])
        self._write_constants()

    def params(
        self,
        ids: Sequence[int],
        token: uuid.UUID,
        now: dt.datetime,
        until: dt.datetime,
    ) -> list[Any]:
        """Those of one execution."""
        connection = connections[self.alias]
        given = {
            IDS: id_list(ids, connection),
            TOKEN: adapted(token, connection),
            NOW: adapted(now, connection),
            UNTIL: adapted(until, connection),
        }
        params = self._params.copy()
        for place, marker in self._places:
            params[place] = given[marker]
        return params

    def _marked_places(self) -> Iterable[tuple[int, Any]]:
        connection = connections[self.alias]
        markers: list[tuple[Any, Any]] = [(IDS, IDS)]
        markers += [(adapted(one, connection), one) for one in (TOKEN, NOW, UNTIL)]
        for place, param in enumerate(self._params):
            for value, marker in markers:
                if type(param) is type(value) and param == value:
                    yield place, marker
                    break
            else:
                if is_of_marked_year(param):
                    raise NotPreparable(param)

    def _write_constants(self) -> None:
        """Into the SQL, so that each execution has but what differs.

        PostgreSQL's driver would write them there each time, and SQLite plans a
        statement anew after each binding that might decide which index serves.
        """
        markers = dict(self._places)
        connection = connections[self.alias]
        places = count()

        def written(found: re.Match[str]) -> str:
            # A host's own SQL may hold a percent sign, which stands there twice.
            if found[0] == "%%" or (place := next(places)) in markers:
                return found[0]
            return literal(self._params[place], connection)

        self.sql = PLACEHOLDER.sub(written, self.sql)
        self._places = list(enumerate(markers.values()))
        self._params = [None] * len(markers)


def insert_row(row: models.Model) -> None:
    """INSERT of a row whose key nobody asks for; sends none of Django's signals."""
    model = type(row)
    connection = connections[router.db_for_write(model, instance=row)]
    params = [
        field.get_db_prep_save(field.pre_save(row, add=True), connection=connection)
        for field in fields_but_key(model)
    ]
    with connection.cursor() as cursor:
        cursor.execute(insertion_into(model, connection.alias), params)


@cache
def insertion_into(model: type[models.Model], alias: str) -> str:
    quoted = connections[alias].ops.quote_name
    columns = [quoted(str(field.column)) for field in fields_but_key(model)]
    names, values = ", ".join(columns), ", ".join(["%s"] * len(columns))
    return f"INSERT INTO {quoted(model._meta.db_table)} ({names}) VALUES ({values})"


def fields_but_key(model: type[models.Model]) -> list[models.Field]:
    return [field for field in model._meta.concrete_fields if not field.primary_key]


def by_index(sql: str, connection: Any) -> str:
    """Each EXISTS of the statement asked once for each row.

    PostgreSQL may otherwise read the whole inner table into a hash, or join with it in
    any order: good for a launch, bad for the eight rows of a commit. It neither joins
    nor hashes where an OFFSET stands.
    """
    if connection.vendor != "postgresql":
        return sql
    return sql.replace(" LIMIT 1)", " LIMIT 1 OFFSET 0)")


def is_of_marked_year(param: Any) -> bool:
    if isinstance(param, dt.date):
        return abs(param.year - MARKED_YEAR) <= 1
    years = tuple(str(MARKED_YEAR + step) for step in (-1, 0, 1))
    return isinstance(param, str) and param.startswith(years) and param[4:5] == "-"


def adapted(value: dt.datetime | uuid.UUID | int | str, connection: Any) -> Any:
    """As the driver wants it."""
    if isinstance(value, dt.datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, uuid.UUID) and not connection.features.has_native_uuid_field:
        return value.hex
    return value


def literal(value: Any, connection: Any) -> str:
    """The value as it stands in a statement that still gets parameters."""
    if connection.vendor == "postgresql":
        word = connection.ops.compose_sql("%s", [value])
    else:
        word = quoted_by_sqlite(value, connection)
    return word.replace("%", "%%")


def quoted_by_sqlite(value: Any, connection: Any) -> str:
    """As its own function does, but that ends a text at a NUL, and has a name for an
    infinite number that SQL takes for a column's."""
    if isinstance(value, str) and "\0" in value:
        return f"CAST(X'{value.encode().hex()}' AS TEXT)"
    if isinstance(value, float) and math.isinf(value):
        return "9e999" if value > 0 else "-9e999"
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote(%s)", [value])
        [word] = cursor.fetchone()
        return word


def id_list(ids: Sequence[int], connection: Any) -> Any:
    return list(ids) if connection.vendor == "postgresql" else json.dumps(list(ids))


def table_of(
    columns: Mapping[str, str], rows: Sequence[Sequence[Any]], connection: Any
) -> tuple[str, list[Any]]:
    """Rows of values to join with, as SQL named `given`, and its parameters.

    `columns`: name → type in PostgreSQL.
    """
    values = [[adapted(value, connection) for value in row] for row in rows]
    if connection.vendor == "postgresql":
        arrays = ", ".join(f"%s::{kind}[]" for kind in columns.values())
        params = [list(column) for column in zip(*values, strict=True)]
        return f"unnest({arrays}) AS given({', '.join(columns)})", params
    parts = ", ".join(
        f"json_extract(value, '$[{place}]') AS {name}"
        for place, name in enumerate(columns)
    )
    return f"(SELECT {parts} FROM json_each(%s)) AS given", [json.dumps(values)]
