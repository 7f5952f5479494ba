"""What a request writes, seen where nothing can hide: at the database connection."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

WRITE = re.compile(r'\s*(INSERT INTO|UPDATE|DELETE FROM|REPLACE INTO)\s+"?(\w+)', re.I)
# Who is logged in, and the log of what was done.
HOUSEKEEPING = re.compile(r"django_session|django_admin_log|axes_\w+")


@contextmanager
def recorded_writes() -> Iterator[list[str]]:
    """Statements that touched at least one row, as "UPDATE table"."""
    writes: list[str] = []

    def watch(
        execute: Callable, sql: str, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        result = execute(sql, params, many, context)
        found = WRITE.match(sql)
        if found and context["cursor"].rowcount != 0:
            verb, table = found.groups()
            if not HOUSEKEEPING.fullmatch(table):
                writes.append(f"{verb.upper()} {table}")
        return result

    with connection.execute_wrapper(watch):
        yield writes
