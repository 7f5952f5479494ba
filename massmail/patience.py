"""What a worker does while the database is away: a restart must cost no result."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import (
    IntegrityError,
    InterfaceError,
    OperationalError,
    close_old_connections,
    connection,
)

from massmail.conf import conf

logger = logging.getLogger(__name__)

# What a lost, restarting or full database raises; it may work again in a moment.
DATABASE_AWAY = (OperationalError, InterfaceError)
RETRY_SECONDS = 0.5

Written = TypeVar("Written")


def patiently(
    write: Callable[[], Written],
    *,
    what: str = "results",
    seconds: float | None = None,
) -> Written:
    """Repeat a commit while the database is away: what it writes must not be lost.

    Each transition is fenced, so a commit whose answer was lost changes nothing
    when it is repeated. The patience is DATABASE_PATIENCE unless `seconds` are given.
    """
    patience = conf.DATABASE_PATIENCE if seconds is None else seconds
    began_at, tries = time.monotonic(), 0
    while True:
        try:
            return write()
        except DATABASE_AWAY:
            if time.monotonic() > began_at + patience:
                logger.critical("The database does not answer; not written: %s", what)
                raise
            if not tries:
                logger.exception("The database does not answer; kept: %s", what)
            tries += 1
            close_old_connections()
            time.sleep(RETRY_SECONDS)


def reconnecting(work: Callable[[], Written]) -> Written:
    """Repeat what met a connection that was lost since its last use.

    For what may be repeated; so nobody has to ask before each use whether the
    connection is still good.
    """
    try:
        return work()
    except DATABASE_AWAY:
        if not drop_lost_connection():
            raise
        logger.info("The connection was lost; asked once more", exc_info=True)
        return work()


def drop_lost_connection() -> bool:
    """Whether it was lost, and another one can be opened."""
    if connection.connection is None or connection.in_atomic_block:
        return False
    if connection.is_usable():
        return False
    connection.close()
    # After a restart of the server those that wait in the pool are lost, too.
    if pool := getattr(connection, "pool", None):
        pool.check()
    return True


def once_more(write: Callable[[], Written]) -> Written:
    """Repeat a transaction that met what was deleted while it referred to it.

    An account that was read a moment ago, for example: the second time it is not read.
    """
    try:
        return write()
    except IntegrityError:
        logger.info("A row was deleted meanwhile; written once more", exc_info=True)
        return write()
