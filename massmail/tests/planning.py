"""What the database knows when it plans a statement, whatever tests came before."""

from __future__ import annotations

from django.db import ProgrammingError, connection, transaction

# Of a table that was never analysed PostgreSQL knows how many rows a page may hold.
LARGE_UNKNOWN_TABLES = """
WITH forgotten AS (
    UPDATE pg_class SET relpages = 1, reltuples = 100000
    WHERE relname LIKE 'massmail\\_%' AND relkind = 'r'
    RETURNING oid
)
DELETE FROM pg_statistic USING forgotten WHERE starelid = forgotten.oid
"""


def forget_statistics():
    """Let PostgreSQL plan as for large tables that it has not analysed yet.

    What it knows of few rows depends on the tests before, and of few rows it takes
    whichever index comes first. Only a superuser may tell it otherwise.
    """
    with connection.cursor() as cursor:
        try:
            with transaction.atomic():
                cursor.execute(LARGE_UNKNOWN_TABLES)
        except ProgrammingError as error:
            assert "permission denied" in str(error)


def use_statistics(analysed):
    """Plan by what the tables hold now, or without knowing it."""
    if analysed:
        analyse()
    elif connection.vendor == "postgresql":
        forget_statistics()


def analyse():
    """Of PostgreSQL's own tables some belong to all databases of the server: another
    process that tests would wait for this test's end."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        for table in map(connection.ops.quote_name, tables):
            cursor.execute(f"ANALYZE {table}")
