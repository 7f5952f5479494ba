"""A database that fails once at a chosen place, as one that is restarted does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

_commit = BaseDatabaseWrapper._commit
_execute = CursorWrapper.execute


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

    def _meet(self, wrapper: BaseDatabaseWrapper) -> None:
        self.count += 1
        if self.count in self.numbers:
            wrapper.errors_occurred = True
            raise OperationalError("the connection is gone")


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
    ):
        yield failing
