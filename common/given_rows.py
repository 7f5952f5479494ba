"""Rows and keys that are told to the database in one parameter for each column.

They can be inserted by one statement, stand in the place of a model's table, so that
conditions can be asked of rows that are not there yet, or be what `__in` looks for. The
ORM's own ways have a parameter for each value, which costs more than the rows do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connections, models, router, transaction
from django.db.models import Expression, Field, QuerySet
from django.db.models.sql.datastructures import BaseTable

Row = Mapping[str, Any]
Columns = Mapping[str, Sequence[Any]]
SQL = tuple[str, tuple[Any, ...]]

# The database takes these as they are.
PLAIN = {str, int, type(None)}
# What JSON and PostgreSQL's arrays write in the same way is written by the faster one.
ESCAPED = re.compile(r'\\[^"\\]')


def insert_given(
    model: type[models.Model],
    columns: Columns,
    *,
    alike: Row,
    ignore_conflicts: bool = False,
) -> int:
    """Insert rows that differ in `columns` and are `alike` in other fields.

    Fields that are named in neither get their default, the same in all rows. Returns
    how many were inserted.
    """
    ending = "ON CONFLICT DO NOTHING" if ignore_conflicts else ""
    with inserting(model, columns, alike, ending) as cursor:
        return int(cursor.rowcount)


def insert_new(
    model: type[models.Model],
    columns: Columns,
    *,
    alike: Row,
    unique: str = "",
    returning: Sequence[str],
) -> list[tuple[Any, ...]]:
    """Insert those of the rows that are not there yet; returns columns of these.

    `unique` are, in SQL, the columns and the condition of the index that tells;
    without it any unique index does. Of several that are the same the first one goes.
    """
    fields = fields_of(model)
    connection = connections[router.db_for_write(model)]
    shown = ", ".join(quoted(connection, fields[name]) for name in returning)
    ending = f"ON CONFLICT {unique} DO NOTHING RETURNING {shown}"
    with inserting(model, columns, alike, ending) as cursor:
        return list(cursor.fetchall())


@contextmanager
def inserting(
    model: type[models.Model], columns: Columns, alike: Row, ending: str
) -> Iterator[Any]:
    """The cursor that has just inserted them, in a transaction."""
    using = router.db_for_write(model)
    connection = connections[using]
    constants = defaults(model, columns) | dict(alike)
    rows, parameters = selected(connection, model, columns, constants)
    fields = fields_of(model)
    names = [quoted(connection, fields[name]) for name in (*columns, *constants)]
    table = connection.ops.quote_name(model._meta.db_table)
    with (
        transaction.atomic(using=using, savepoint=False),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            # Without a condition SQLite takes ON CONFLICT for that of a join.
            f"INSERT INTO {table} ({', '.join(names)}) {rows} WHERE true {ending}",
            parameters,
        )
        yield cursor


def asked_of(queryset: QuerySet, columns: Columns, *, alike: Row) -> QuerySet:
    """The queryset over these rows instead of its table's; other fields are not there.

    Subqueries of the same model go on reading the table.
    """
    asked = queryset.all()
    table = asked.query.get_initial_alias()
    asked.query.alias_map[table] = GivenRows(table, asked.model, columns, alike)
    return asked


class GivenRows(BaseTable):
    """A derived table in a FROM clause, under the name of the model's own."""

    def __init__(
        self, name: str, model: type[models.Model], columns: Columns, alike: Row
    ) -> None:
        super().__init__(name, None)
        self.model, self.columns, self.alike = model, columns, alike

    def as_sql(self, compiler: Any, connection: Any) -> SQL:
        rows, parameters = selected(connection, self.model, self.columns, self.alike)
        return f"({rows}) {connection.ops.quote_name(self.table_name)}", parameters


class GivenKeys(Expression):
    """What a field is in: `filter(pk__in=GivenKeys(field, keys))`."""

    def __init__(self, field: Field, keys: Sequence[Any]) -> None:
        super().__init__(output_field=field)
        self.keys = keys

    def as_sql(self, compiler: Any, connection: Any) -> SQL:
        field = self.output_field
        keys = in_database(connection, field, self.keys)
        shown, source, parameters = as_table(connection, [field], [keys])
        return f"(SELECT {shown[0]} FROM {source})", tuple(parameters)  # noqa: S608


def defaults(model: type[models.Model], columns: Columns) -> dict[str, Any]:
    return {
        name: field.get_default()
        for name, field in fields_of(model).items()
        if not field.primary_key and name not in columns
    }


def fields_of(model: type[models.Model]) -> dict[str, Field]:
    return {field.attname: field for field in model._meta.concrete_fields}


def selected(
    connection: Any, model: type[models.Model], columns: Columns, alike: Row
) -> SQL:
    """A SELECT of the rows: first what differs, then what is alike."""
    fields = fields_of(model)
    values = [in_database(connection, fields[name], columns[name]) for name in columns]
    shown, source, arrays = as_table(
        connection, [fields[name] for name in columns], values
    )
    parameters = [
        fields[name].get_db_prep_save(value, connection=connection)
        for name, value in alike.items()
    ]
    shown += [constant(connection, fields[name]) for name in alike]
    return f"SELECT {', '.join(shown)} FROM {source}", (*parameters, *arrays)  # noqa: S608


def as_table(
    connection: Any, fields: list[Field], values: Sequence[Sequence[Any]]
) -> tuple[list[str], str, list[str]]:
    """(columns, what they are selected from, its parameters)."""
    if connection.vendor == "postgresql":
        return from_arrays(connection, fields, values)
    return from_json(connection, fields, values)


def from_arrays(
    connection: Any, fields: list[Field], values: Sequence[Sequence[Any]]
) -> tuple[list[str], str, list[str]]:
    """PostgreSQL: an array for each column."""
    arrays = ", ".join(f"%s::{type_name(connection, field)}[]" for field in fields)
    names = [quoted(connection, field) for field in fields]
    source = f"unnest({arrays}) AS given({', '.join(names)})"
    return [f"given.{name}" for name in names], source, [array(one) for one in values]


def array(values: Sequence[Any]) -> str:
    """As PostgreSQL writes an array."""
    text = json.dumps(values, ensure_ascii=False)
    if ESCAPED.search(text):
        text = f"[{','.join(map(array_element, values))}]"
    return f"{{{text[1:-1]}}}"


def array_element(value: Any) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def from_json(
    connection: Any, fields: list[Field], values: Sequence[Sequence[Any]]
) -> tuple[list[str], str, list[str]]:
    """SQLite: one JSON text of all rows."""
    shown = [
        f"json_extract(given.value, '$[{number}]') AS {quoted(connection, field)}"
        for number, field in enumerate(fields)
    ]
    rows = json.dumps(list(zip(*values, strict=True)), ensure_ascii=False)
    return shown, "json_each(%s) AS given", [rows]


def in_database(connection: Any, field: Field, values: Sequence[Any]) -> list[Any]:
    """Texts, numbers or None for each, as columns of this type hold them."""
    if PLAIN.issuperset(map(type, values)):
        return list(values)
    prepared = (
        field.get_db_prep_save(value, connection=connection) for value in values
    )
    return [value if type(value) in PLAIN else str(value) for value in prepared]


def constant(connection: Any, field: Field) -> str:
    """A parameter that all rows share; SQLite keeps what it is given."""
    name = quoted(connection, field)
    if connection.vendor != "postgresql":
        return f"%s AS {name}"
    return f"%s::{type_name(connection, field)} AS {name}"


def type_name(connection: Any, field: Field) -> str:
    """Without its length: a cast would cut a text where the column refuses it."""
    return re.sub(r"\(.*?\)", "", field.rel_db_type(connection) or "")


def quoted(connection: Any, field: Field) -> str:
    return str(connection.ops.quote_name(field.column))
