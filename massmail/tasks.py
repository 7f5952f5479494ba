"""Celery only wakes the sender: tasks carry ids, are idempotent and short."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from massmail.orchestrator import preparing, send, walk
from massmail.tracking import events

PREPARE_SECONDS = 20.0
EVENTS_SECONDS = 20.0
# A wake-up that is later than this has been overtaken by a walk.
STALE_SECONDS = 10.0


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
    report = send.send_account_queue(account_id)
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
