"""When an account's n-th next mail has left: limits, gaps and hours, simulated.

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
RESOLUTION = dt.timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Pace:
    """What limits an account: (window, mails) pairs, seconds, hours.

    `interval_seconds` lie between the beginnings of two mails, `mail_seconds` between
    a mail's beginning and its reply.
    """

    limits: tuple[tuple[dt.timedelta, int], ...]
    interval_seconds: float
    mail_seconds: float
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
    """When the last of `mails` has left; None when it never can.

    `past` are the moments of earlier mails that still count, the oldest first.
    """
    if not mails:
        return start
    if any(limit == 0 for _window, limit in pace.limits):
        return None
    binding = tuple(
        (window, limit) for window, limit in pace.limits if limit < mails + len(past)
    )
    if binding:
        begin = limited_run(pace, binding, mails=mails, start=start, past=past)
    else:
        begin = free_run(pace, mails=mails, start=start)
    return begin and begin + dt.timedelta(seconds=pace.mail_seconds)


def free_run(pace: Pace, *, mails: int, start: dt.datetime) -> dt.datetime | None:
    """No limit is in reach: mail after mail, from one closing time to the next day."""
    step = dt.timedelta(seconds=pace.interval_seconds)
    moment, ahead = pace.opens(start), mails - 1
    while moment is not None and pace.hours is not None:
        closing = pace.hours.closing(moment)
        # So many more begin before the closing time.
        more = (closing - moment - RESOLUTION) // step
        if ahead <= more:
            break
        ahead -= more + 1
        moment = pace.opens(max(closing, moment + (more + 1) * step))
    return moment and moment + ahead * step


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
    interval = dt.timedelta(seconds=pace.interval_seconds)
    # A window counts a mail from its reply.
    reply = dt.timedelta(seconds=pace.mail_seconds)
    moment: dt.datetime | None = start
    simulated = min(mails, EXACT_STEPS)
    for _number in range(simulated):
        for window, limit in limits:
            if len(times) >= limit:
                moment = max(moment, times[-limit] + window)
        moment = pace.opens(moment)
        if moment is None:
            return None
        times.append(moment + reply)
        moment += interval
    return times[-1] - reply + extrapolated(times, mails - simulated)


def extrapolated(times: Sequence[dt.datetime], more: int) -> dt.timedelta:
    """What `more` mails take at the pace of the last half of those simulated."""
    if more <= 0:
        return dt.timedelta(0)
    half = len(times) // 2
    return (times[-1] - times[half]) / max(1, len(times) - 1 - half) * more
