"""When an account's n-th next mail can leave: limits, gaps and hours, simulated.

Pure: no database, no clock. The recurrence is exact as long as the real gaps meet
their mean; very long queues are extrapolated from their second half.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from massmail.sending.business_time import BusinessTime

# So many mails are simulated one by one; more would keep a page waiting.
EXACT_STEPS = 20_000


@dataclass(frozen=True, slots=True)
class Pace:
    """What limits an account: (window, mails) pairs, a mail's seconds, hours."""

    limits: tuple[tuple[dt.timedelta, int], ...]
    seconds_per_mail: float
    hours: BusinessTime | None = None

    def opens(self, moment: dt.datetime) -> dt.datetime | None:
        return self.hours.next_opening(moment) if self.hours else moment


def finish_time(
    pace: Pace,
    *,
    mails: int,
    start: dt.datetime,
    past: Sequence[dt.datetime] = (),
) -> dt.datetime | None:
    """When the last of `mails` leaves; None when it never can.

    `past` are the moments of earlier mails that still count, the oldest first.
    """
    if any(limit == 0 for _window, limit in pace.limits) and mails:
        return None
    binding = tuple(
        (window, limit) for window, limit in pace.limits if limit < mails + len(past)
    )
    if not binding:
        return free_run(pace, mails=mails, start=start)
    return limited_run(pace, binding, mails=mails, start=start, past=past)


def free_run(pace: Pace, *, mails: int, start: dt.datetime) -> dt.datetime | None:
    """No limit is in reach: mail after mail, from one closing time to the next day."""
    moment, left = pace.opens(start), mails
    while moment is not None and pace.hours is not None:
        day = moment.astimezone(pace.hours.zone).date()
        seconds_today = (pace.hours.hours(day)[1] - moment).total_seconds()
        today = max(1, int(seconds_today / pace.seconds_per_mail))
        if left <= today:
            break
        left -= today
        moment = pace.opens(pace.hours.hours(day)[1])
    if moment is None:
        return None
    return moment + dt.timedelta(seconds=left * pace.seconds_per_mail)


def limited_run(
    pace: Pace,
    limits: tuple[tuple[dt.timedelta, int], ...],
    *,
    mails: int,
    start: dt.datetime,
    past: Sequence[dt.datetime],
) -> dt.datetime | None:
    """The k-th mail waits for the (k − limit)-th to leave each window."""
    times = list(past)
    step = dt.timedelta(seconds=pace.seconds_per_mail)
    moment: dt.datetime | None = start
    simulated = min(mails, EXACT_STEPS)
    for _number in range(simulated):
        for window, limit in limits:
            if len(times) >= limit:
                moment = max(moment, times[-limit] + window)
        moment = pace.opens(moment)
        if moment is None:
            return None
        times.append(moment)
        moment += step
    return times[-1] + extrapolated(times, mails - simulated) if times else start


def extrapolated(times: Sequence[dt.datetime], more: int) -> dt.timedelta:
    """What `more` mails take at the pace of the last half of those simulated."""
    if more <= 0:
        return dt.timedelta(0)
    half = len(times) // 2
    return (times[-1] - times[half]) / max(1, len(times) - 1 - half) * more
