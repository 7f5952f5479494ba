"""What a run does while the database is away: a restart must cost no result."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, close_old_connections

from massmail.conf import conf

logger = logging.getLogger(__name__)

# What a lost, restarting or full database raises; it may work again in a moment.
DATABASE_AWAY = (OperationalError, InterfaceError)
RETRY_SECONDS = 0.5

Written = TypeVar("Written")


def patiently(write: Callable[[], Written]) -> Written:
    """Repeat a commit while the database is away: a result must not be lost.

    Each transition is fenced, so a commit whose answer was lost changes nothing
    when it is repeated.
    """
    deadline = time.monotonic() + conf.DATABASE_PATIENCE
    while True:
        try:
            return write()
        except DATABASE_AWAY:
            if time.monotonic() > deadline:
                raise
            logger.exception("The database does not answer; results are kept")
            close_old_connections()
            time.sleep(RETRY_SECONDS)
