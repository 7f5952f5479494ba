"""Celery only wakes the sender: tasks carry ids, are idempotent and short."""

from __future__ import annotations

from celery import shared_task

from massmail.orchestrator import preparing, send, walk

PREPARE_SECONDS = 20.0


@shared_task(ignore_result=True)
def walk_account_queues() -> None:
    """Start one run for each account that can send now."""
    for account_id in walk.walk_account_queues():
        send_account_queue.delay(account_id)


@shared_task(ignore_result=True)
def send_account_queue(account_id: int) -> None:
    """Send what is due through an account; ends at once when its lanes are taken."""
    send.send_account_queue(account_id)


@shared_task(ignore_result=True)
def prepare_mailings() -> None:
    """Turn stored selections of recipients into rows."""
    preparing.prepare_mailings(seconds=PREPARE_SECONDS)
