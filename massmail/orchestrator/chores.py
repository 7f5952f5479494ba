"""What the sender without Celery does besides, each at its own pace."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from django.db import connections

from massmail.orchestrator.checking import (
    check_account,
    idle_accounts,
    warn_of_ending_access,
)
from massmail.orchestrator.polling import poll_mailboxes

logger = logging.getLogger(__name__)

# The same pace as Celery's beat.
IDLE_CHECK_SECONDS = 3600.0
POLL_SECONDS = 60.0
Stop = Callable[[], bool]


class Chore:
    """In a thread of its own: a server that hangs keeps nobody from sending."""

    def __init__(self, work: Callable[[Stop], object], seconds: float) -> None:
        self._work = work
        self._seconds = seconds
        self._next_at = time.monotonic() + seconds
        self._thread: threading.Thread | None = None

    def start_if_due(self, stop: Stop) -> None:
        if time.monotonic() < self._next_at:
            return
        self._next_at = time.monotonic() + self._seconds
        if self._thread is None or not self._thread.is_alive():
            # A daemon: a login under way must not delay the end of the process.
            self._thread = threading.Thread(target=self._do, args=(stop,), daemon=True)
            self._thread.start()

    def _do(self, stop: Stop) -> None:
        try:
            self._work(stop)
        except Exception:
            # The boundary of a task, as Celery's is one: the next time tries again.
            logger.exception("%s failed", self._work.__name__)
        finally:
            connections.close_all()


def check_idle_accounts(stop: Stop) -> None:
    warn_of_ending_access()
    for account_id in idle_accounts():
        if stop():
            return
        check_account(account_id)


def read_mailboxes(stop: Stop) -> None:
    poll_mailboxes(stop=stop)


def usual_chores() -> list[Chore]:
    return [
        Chore(check_idle_accounts, IDLE_CHECK_SECONDS),
        Chore(read_mailboxes, POLL_SECONDS),
    ]
