"""Time for one run: the wall clock, or a given moment that goes on from there."""

from __future__ import annotations

import datetime as dt
import time

from django.utils import timezone


class Clock:
    """Callable; with `now` it starts there and advances as real time does."""

    def __init__(self, now: dt.datetime | None = None) -> None:
        self._now = now
        self._started = time.monotonic()

    def __call__(self) -> dt.datetime:
        if self._now is None:
            return timezone.now()
        return self._now + dt.timedelta(seconds=self.elapsed)

    @property
    def elapsed(self) -> float:
        """Seconds since the run began, whatever happens to the wall clock."""
        return time.monotonic() - self._started
