"""A statement that PostgreSQL parses and plans once, and executes many times.

Planning a recheck takes the server longer than executing it. Between sending such a
statement and reading its rows the process is free for other work.
"""

from __future__ import annotations

import functools
import hashlib
import re
import select
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

# Each run has statements of its own; those of runs before are forgotten.
MAX_PREPARED = 16
PLACEHOLDER = re.compile("%%|%s")

Row = tuple[str, ...]
# A plan made when a table was nearly empty reads all of it; tables grow quickly here.
PLAN_SECONDS = 1.0


def nothing() -> None:
    """There is no other work."""


class ServerStatement:
    """`sql` has the driver's placeholders; the server must see each one's type."""

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self._text = numbered(sql).encode()
        self._name = b"massmail_" + hashlib.sha256(self._text).hexdigest()[:32].encode()

    def rows(
        self,
        connection: Any,
        params: Sequence[str],
        *,
        meanwhile: Callable[[], object] = nothing,
    ) -> list[Row]:
        """Its rows as text, without NULLs; `meanwhile` must not touch the database."""
        execute: Callable[..., list[Row]] = functools.partial(self._execute, meanwhile)
        # As those of Django's cursors: whoever watches or counts statements sees it.
        for wrapper in reversed(connection.execute_wrappers):
            execute = functools.partial(wrapper, execute)
        context = {"connection": connection, "cursor": None}
        return execute(self.sql, params, False, context)

    def _execute(
        self,
        meanwhile: Callable[[], object],
        _sql: str,
        params: Sequence[str],
        _many: bool,
        context: dict[str, Any],
    ) -> list[Row]:
        connection = context["connection"]
        connection.ensure_connection()
        with connection.wrap_database_errors:
            driver = connection.connection
            begin_transaction(driver)
            try:
                self._send(driver, connection, [value.encode() for value in params])
                meanwhile()
                return rows_of(received(driver.pgconn))
            except BaseException:
                close_if_busy(driver)
                raise

    def _send(self, driver: Any, connection: Any, params: list[bytes]) -> None:
        """A pooler gives each transaction another session: nothing is prepared then."""
        pgconn = driver.pgconn
        if connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"):
            pgconn.send_query_params(self._text, params)
        else:
            self._prepare(driver)
            pgconn.send_query_prepared(self._name, params)
        flush(pgconn)

    def _prepare(self, driver: Any) -> None:
        prepared = _prepared.get(driver)
        if prepared is None:
            # The server would else plan again for any number of rows but ten.
            ask(driver.pgconn, b"SET plan_cache_mode = force_generic_plan")
            prepared = _prepared[driver] = Prepared()
        if time.monotonic() - prepared.planned_at > PLAN_SECONDS:
            ask(driver.pgconn, b"DISCARD PLANS")
            prepared.planned_at = time.monotonic()
        if self._name in prepared.names:
            return
        while len(prepared.names) >= MAX_PREPARED:
            ask(driver.pgconn, b"DEALLOCATE " + prepared.names.pop(0))
        driver.pgconn.send_prepare(self._name, self._text)
        received(driver.pgconn)
        prepared.names.append(self._name)


@dataclass(slots=True)
class Prepared:
    """What a connection of the driver has prepared, the latest last."""

    names: list[bytes] = field(default_factory=list)
    planned_at: float = field(default_factory=time.monotonic)


_prepared: WeakKeyDictionary[Any, Prepared] = WeakKeyDictionary()


def numbered(sql: str) -> str:
    """The driver's placeholders as the server's own: $1, $2."""
    places = count(1)
    return PLACEHOLDER.sub(
        lambda found: "%" if found[0] == "%%" else f"${next(places)}", sql
    )


def begin_transaction(driver: Any) -> None:
    """The driver begins one before its own first statement, and knows none of ours."""
    from psycopg.pq import TransactionStatus

    idle = driver.pgconn.transaction_status == TransactionStatus.IDLE
    if idle and not driver.autocommit:
        driver.execute("SELECT 1")


def close_if_busy(driver: Any) -> None:
    """After an interruption the answer of this statement would be the next one's."""
    from psycopg.pq import TransactionStatus

    if driver.pgconn.transaction_status == TransactionStatus.ACTIVE:
        driver.close()


def ask(pgconn: Any, sql: bytes) -> None:
    pgconn.send_query(sql)
    received(pgconn)


def flush(pgconn: Any) -> None:
    while pgconn.flush():
        wait_for(pgconn, select.POLLIN | select.POLLOUT)
        pgconn.consume_input()


def received(pgconn: Any) -> Any:
    """The statement's result; raises the driver's errors."""
    from psycopg.errors import error_from_result
    from psycopg.pq import ExecStatus

    flush(pgconn)
    results = []
    while (result := next_result(pgconn)) is not None:
        results.append(result)
    result = results[-1]
    if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
        raise error_from_result(result)
    return result


def next_result(pgconn: Any) -> Any:
    while pgconn.is_busy():
        wait_for(pgconn, select.POLLIN)
        pgconn.consume_input()
    return pgconn.get_result()


def wait_for(pgconn: Any, events: int) -> None:
    poll = select.poll()
    poll.register(pgconn.socket, events)
    poll.poll()


def rows_of(result: Any) -> list[Row]:
    columns = range(result.nfields)
    return [
        tuple(result.get_value(row, column).decode() for column in columns)
        for row in range(result.ntuples)
    ]
