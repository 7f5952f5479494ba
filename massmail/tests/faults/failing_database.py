"""A database that fails once at a chosen place, as one that is restarted does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from massmail.models.server_statement import ServerStatement

_commit = BaseDatabaseWrapper._commit
_execute = CursorWrapper.execute
_rows = ServerStatement.rows


class Failing:
    """Counts statements or commits; those of the chosen numbers fail.

    `undone` commits did not happen, `unanswered` ones did; either way the caller
    learns only that the connection is gone.
    """

    def __init__(self, where: str, numbers: tuple[int, ...]) -> None:
        self.where = where
        self.numbers = set(numbers)
        self.count = 0

    def commit(self, wrapper: BaseDatabaseWrapper) -> None:
        if self.where == "unanswered":
            _commit(wrapper)
        if self.where in ("undone", "unanswered"):
            self._meet(wrapper)
        if self.where != "unanswered":
            _commit(wrapper)

    def execute(self, cursor: CursorWrapper, sql: str, params: Any = None) -> Any:
        if self.where == "statement":
            self._meet(cursor.db)
        return _execute(cursor, sql, params)

    def rows(self, statement: ServerStatement, wrapper: Any, *args: Any, **kw: Any):
        """Outside of a transaction such a statement is its own commit."""
        if self.where in ("statement", "undone"):
            self._meet(wrapper)
        rows = _rows(statement, wrapper, *args, **kw)
        if self.where == "unanswered":
            self._meet(wrapper)
        return rows

    def _meet(self, wrapper: BaseDatabaseWrapper) -> None:
        self.count += 1
        if self.count in self.numbers:
            wrapper.errors_occurred = True
            raise OperationalError("the connection is gone")


class FullDisk:
    """From the write of that number on, `times` writes find no room; reads do."""

    WRITES = ("INSERT", "UPDATE", "DELETE")

    def __init__(self, first: int, times: int) -> None:
        self.first = first
        self.last = first + times - 1
        self.count = 0

    @property
    def was_met(self) -> bool:
        return self.count >= self.first

    def execute(self, cursor: CursorWrapper, sql: str, params: Any = None) -> Any:
        if str(sql).startswith(self.WRITES):
            self.count += 1
            if self.first <= self.count <= self.last:
                return self._refuse(cursor)
        return _execute(cursor, sql, params)

    def rows(self, statement: ServerStatement, wrapper: Any, *args: Any, **kw: Any):
        self.count += 1
        if self.first <= self.count <= self.last:
            with wrapper.cursor() as cursor:
                self._refuse(cursor)
        return _rows(statement, wrapper, *args, **kw)

    def _refuse(self, cursor: CursorWrapper) -> Any:
        """PostgreSQL says so itself, and its transaction is spoilt."""
        if cursor.db.vendor == "postgresql":
            return _execute(cursor, "DO $$ BEGIN RAISE disk_full; END $$")
        raise OperationalError("database or disk is full")


def as_method(function: Callable) -> Callable:
    return lambda *args, **kwargs: function(*args, **kwargs)


@contextmanager
def failing_database(where: str, *numbers: int) -> Iterator[Failing]:
    """In this context the places of these numbers, counted from 1, fail.

    `where` is "statement", "undone" or "unanswered".
    """
    failing = Failing(where, numbers)
    with (
        mock.patch.object(BaseDatabaseWrapper, "_commit", as_method(failing.commit)),
        mock.patch.object(CursorWrapper, "execute", as_method(failing.execute)),
        mock.patch.object(ServerStatement, "rows", as_method(failing.rows)),
    ):
        yield failing


@contextmanager
def full_disk(first: int, *, times: int) -> Iterator[FullDisk]:
    """In this context the database has no room for these writes, counted from 1."""
    full = FullDisk(first, times)
    with (
        mock.patch.object(CursorWrapper, "execute", as_method(full.execute)),
        mock.patch.object(ServerStatement, "rows", as_method(full.rows)),
    ):
        yield full
