"""The daily check of idle accounts in the sender without Celery."""

from __future__ import annotations

import logging
import threading
import time

from django.db import connections

from massmail.orchestrator.checking import (
    check_account,
    idle_accounts,
    warn_of_ending_access,
)

logger = logging.getLogger(__name__)

# The same pace as Celery's beat.
SECONDS = 3600.0


class IdleChecks:
    """In a thread of their own: a server that hangs keeps nobody from sending."""

    def __init__(self, stopped: threading.Event) -> None:
        self._stopped = stopped
        self._next_at = time.monotonic() + SECONDS
        self._thread: threading.Thread | None = None

    def start_if_due(self) -> None:
        if time.monotonic() < self._next_at:
            return
        self._next_at = time.monotonic() + SECONDS
        if self._thread is None or not self._thread.is_alive():
            # A daemon: a login under way must not delay the end of the process.
            self._thread = threading.Thread(target=self._work, daemon=True)
            self._thread.start()

    def _work(self) -> None:
        try:
            warn_of_ending_access()
            for account_id in idle_accounts():
                if self._stopped.is_set():
                    return
                check_account(account_id)
        except Exception:
            # The boundary of a task, as Celery's is one: the next hour tries again.
            logger.exception("The check of idle accounts failed")
        finally:
            connections.close_all()
