"""Watching a mailing while another process sends it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

from massmail.models import MailingOut
from massmail.models.delivery_states import DeliveryStatus
from massmail.orchestrator.explain import explain

POLL_SECONDS = 0.25
# Where nobody watches, a line now and then is enough.
SPARSE_SECONDS = 10.0
PATIENCE_SECONDS = 120.0
WAITING = (DeliveryStatus.QUEUED, DeliveryStatus.CLAIMED, DeliveryStatus.SENDING)
BAR_WIDTH = 40


class Progress:
    """A bar on a terminal, a line every ten seconds elsewhere."""

    def __init__(self, stream: TextIO, total: int) -> None:
        self._stream = stream
        self._total = total
        self._is_terminal = stream.isatty()
        self._next_line_at = 0.0

    def show(self, done: int) -> None:
        if self._is_terminal:
            filled = BAR_WIDTH * done // max(self._total, 1)
            bar = "█" * filled + "░" * (BAR_WIDTH - filled)
            self._stream.write(f"\r  {bar} {done}/{self._total} ")
        elif (now := time.monotonic()) >= self._next_line_at:
            self._stream.write(f"  {done} of {self._total}\n")
            self._next_line_at = now + SPARSE_SECONDS
        self._stream.flush()

    def close(self) -> None:
        if self._is_terminal:
            self._stream.write("\n")


def watch(
    mailing: MailingOut,
    progress: Progress,
    check: Callable[[], None],
    *,
    patience: float = PATIENCE_SECONDS,
) -> str:
    """Wait until the mailing is over; returns "", or why it does not go on.

    `check` is called in between and raises when waiting makes no sense any more.
    """
    waiting, changed_at = -1, time.monotonic()
    try:
        while not is_over(mailing):
            counts = mailing.counts()
            now_waiting = sum(counts[status] for status in WAITING)
            if now_waiting != waiting:
                waiting, changed_at = now_waiting, time.monotonic()
            elif time.monotonic() - changed_at > patience:
                return explain(mailing).reason
            progress.show(sum(counts.values()) - waiting)
            check()
            time.sleep(POLL_SECONDS)
        progress.show(sum(mailing.counts().values()))
    finally:
        progress.close()
    return ""


def is_over(mailing: MailingOut) -> bool:
    mailing.refresh_from_db()
    return mailing.is_final
