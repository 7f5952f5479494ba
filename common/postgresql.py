"""What PostgreSQL has to be told, and other databases need not be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections, transaction
from django.db.utils import DEFAULT_DB_ALIAS


@contextmanager
def without_compiling(using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """For a query that looks up a few thousand rows, each in many tables.

    By its cost PostgreSQL takes it for a long one and compiles its expressions, which
    takes longer than the query.
    """
    connection = connections[using]
    if connection.vendor != "postgresql":
        yield
        return
    # Of this transaction alone: sessions may be shared.
    with transaction.atomic(using=using), connection.cursor() as cursor:
        cursor.execute("SET LOCAL jit = off")
        yield
