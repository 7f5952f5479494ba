"""The sender without Celery: one process that walks, prepares and sends.

Each account's run has a thread of its own, so that a server that hangs keeps no other
account from sending. Threads share nothing but the database.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from django.db import Error as DatabaseError
from django.db import close_old_connections, connections
from django.utils import timezone

from massmail.orchestrator.chores import usual_chores
from massmail.orchestrator.preparing import prepare_mailings
from massmail.orchestrator.report import SendReport
from massmail.orchestrator.send import send_account_queue
from massmail.orchestrator.walk import walk_account_queues
from massmail.tracking.events import process_hits

logger = logging.getLogger(__name__)

# The same pace as Celery's beat.
WALK_SECONDS = 5.0
PREPARE_SECONDS = 2.0
EVENTS_SECONDS = 1.0
MAX_RUNS = 8


class Sender:
    """Sends until `stop()`; `lanes` bounds the connections of the whole process."""

    def __init__(
        self,
        *,
        lanes: int | None = None,
        on_report: Callable[[SendReport], None] = lambda report: None,
    ) -> None:
        self.lanes = lanes
        self._on_report = on_report
        self._stopped = threading.Event()
        self._running: dict[Future[SendReport], int] = {}
        # Moments (`time.monotonic()`) at which an account can go on.
        self._wake_ups: list[float] = []
        self._pool = ThreadPoolExecutor(min(lanes or MAX_RUNS, MAX_RUNS))
        self._chores = usual_chores()

    def stop(self) -> None:
        """Messages in flight come to their end, no new one is started."""
        self._stopped.set()

    def run(self, *, once: bool = False) -> None:
        """Until stopped; with `once` until nothing is due now."""
        with self._pool:
            while not self._stopped.is_set():
                if not once:
                    self._start_chores()
                moved = self._step()
                if once and not (moved or self._running):
                    return
                if not (moved or self._running):
                    self._stopped.wait(self._idle_seconds())

    def _start_chores(self) -> None:
        for chore in self._chores:
            chore.start_if_due(self._stopped.is_set)

    def _step(self) -> bool:
        """Start what can run, wait for a result; whether anything moved on."""
        try:
            more_to_prepare = prepare_mailings(seconds=PREPARE_SECONDS)
            self._forget_wake_ups()
            self._start_runs(walk_account_queues())
            process_hits(now=timezone.now(), seconds=EVENTS_SECONDS)
        except DatabaseError:
            # The database is away: nothing is lost, the next round finds it again.
            logger.exception("The walk failed and is repeated")
            close_old_connections()
            self._stopped.wait(WALK_SECONDS)
            return True
        return self._collect() or more_to_prepare

    def _forget_wake_ups(self) -> None:
        """Those that are over: the walk that follows finds what they were for."""
        moment = time.monotonic()
        self._wake_ups = [wake_up for wake_up in self._wake_ups if wake_up > moment]

    def _idle_seconds(self) -> float:
        """Until the first account can go on, and no longer than between two walks."""
        ends = [wake_up - time.monotonic() for wake_up in self._wake_ups]
        return max(0.0, min([WALK_SECONDS, *ends]))

    def _start_runs(self, account_ids: list[int]) -> None:
        """One run per account, the process's connections shared out evenly."""
        share, runs = self._shares(len(account_ids))
        idle = [pk for pk in account_ids if pk not in self._running.values()]
        for account_id in idle[: max(0, runs - len(self._running))]:
            future = self._pool.submit(self._run_account, account_id, share)
            self._running[future] = account_id

    def _shares(self, accounts: int) -> tuple[int | None, int]:
        """(connections of a run, runs at once)."""
        if self.lanes is None:
            return None, MAX_RUNS
        share = max(1, self.lanes // max(1, accounts))
        return share, min(MAX_RUNS, self.lanes // share)

    def _run_account(self, account_id: int, lanes: int | None) -> SendReport:
        try:
            return send_account_queue(
                account_id, lanes=lanes, stop=self._stopped.is_set
            )
        finally:
            connections.close_all()

    def _collect(self) -> bool:
        """Take the reports of finished runs; whether a run moved any row."""
        if not self._running:
            return False
        done, _going = wait(
            self._running,
            timeout=self._idle_seconds(),
            return_when=FIRST_COMPLETED,
        )
        moved = [self._report(future) for future in done]
        return any(moved)

    def _report(self, future: Future[SendReport]) -> bool:
        account_id = self._running.pop(future)
        try:
            report = future.result()
        except Exception:
            # The boundary of a run, as a Celery task is one: its leases free its rows.
            logger.exception("The run of account %s failed", account_id)
            return False
        self._on_report(report)
        seconds = report.wake_seconds(timezone.now())
        if seconds is not None:
            self._wake_ups.append(time.monotonic() + seconds)
        return bool(report.handled)
