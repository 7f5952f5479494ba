"""Celery only wakes the sender: tasks carry ids, are idempotent and short."""

from __future__ import annotations

import mmap
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from celery import shared_task
from celery.signals import worker_shutting_down
from django.utils import timezone

from massmail.orchestrator import checking, polling, preparing, send, walk
from massmail.tracking import events

PREPARE_SECONDS = 20.0
EVENTS_SECONDS = 20.0
# The reading of mailboxes begins with no other one after this.
POLLS_SECONDS = 45.0
# A wake-up that is later than this has been overtaken by a walk.
STALE_SECONDS = 10.0

# A prefork child never sees `worker_shutting_down`: this byte is memory that the
# worker's main process shares with the children that it forks.
_shutting_down = mmap.mmap(-1, 1)
_main_pid = os.getpid()


@worker_shutting_down.connect
def announce_shutdown(**kwargs: Any) -> None:
    _shutting_down[0] = 1


def is_shutting_down() -> bool:
    return _shutting_down[0] == 1


@contextmanager
def stop_of_worker() -> Iterator[Callable[[], bool]]:
    """Says whether the worker is to end; messages in flight then come to their end.

    A child may also be told by a SIGTERM of its own, where systemd sends it to all
    processes of a unit. The run ends first, then the child does what it did before.
    """
    in_child = os.getpid() != _main_pid
    if not in_child or threading.current_thread() is not threading.main_thread():
        yield is_shutting_down
        return
    told: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: told.append(number))
    try:
        yield lambda: bool(told) or is_shutting_down()
    finally:
        signal.signal(signal.SIGTERM, before)
        for number in told[:1]:
            signal.raise_signal(number)


@shared_task(ignore_result=True)
def walk_account_queues() -> None:
    """Start one run for each account that can send now."""
    for account_id in walk.walk_account_queues():
        send_account_queue.delay(account_id)


@shared_task(ignore_result=True)
def send_account_queue(account_id: int) -> None:
    """Send what is due through an account; ends at once when its lanes are taken.

    Walks are seconds apart, and a gap that ends between two of them would last until
    the second: the next run is asked for by the moment that the database holds. Should
    the broker lose it, the walk starts that run.
    """
    with stop_of_worker() as stop:
        report = send.send_account_queue(account_id, stop=stop)
    seconds = report.wake_seconds(timezone.now())
    if seconds is not None:
        send_account_queue.apply_async(
            (account_id,), countdown=seconds, expires=seconds + STALE_SECONDS
        )


@shared_task(ignore_result=True)
def prepare_mailings() -> None:
    """Turn stored selections of recipients into rows."""
    preparing.prepare_mailings(seconds=PREPARE_SECONDS)


@shared_task(ignore_result=True)
def process_hits() -> None:
    """Turn what the recipients' pages wrote down into opens and clicks."""
    events.process_hits(now=timezone.now(), seconds=EVENTS_SECONDS)


@shared_task(ignore_result=True)
def poll_mailboxes() -> None:
    """Read the mailboxes that are due, in one process of all: the others send."""
    if polling.is_polling():
        return
    end = time.monotonic() + POLLS_SECONDS
    with stop_of_worker() as stop:
        polling.poll_mailboxes(stop=lambda: stop() or time.monotonic() > end)


@shared_task(ignore_result=True)
def check_idle_accounts() -> None:
    """Look at accounts that send nothing, and at access that ends soon."""
    checking.warn_of_ending_access()
    for account_id in checking.idle_accounts():
        check_account.delay(account_id)


@shared_task(ignore_result=True)
def check_account(account_id: int) -> None:
    """Log in to an idle account."""
    checking.check_account(account_id)
