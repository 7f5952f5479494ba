"""When an account's n-th next mail has left: limits, gaps and hours, simulated.

Pure: no database, no clock. The recurrence is exact as long as the real gaps meet
their mean; very long queues are extrapolated from their second half.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from massmail.sending.business_time import BusinessTime

# So many mails are simulated one by one; more would keep a page waiting.
EXACT_STEPS = 20_000
RESOLUTION = dt.timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Growth:
    """A limit that grows with each window until it reaches its target."""

    window: dt.timedelta
    first: int
    step: int
    target: int
    began_at: dt.datetime

    def limit(self, moment: dt.datetime) -> int:
        steps = max(0, (moment - self.began_at) // self.window)
        return min(self.target, self.first + steps * self.step)

    def waits_until(
        self, times: Sequence[dt.datetime], moment: dt.datetime
    ) -> dt.datetime:
        """When one more fits: as an earlier mail leaves the window, or by growth."""
        while len(times) >= (limit := self.limit(moment)):
            leaves = times[-limit] + self.window
            steps = max(0, (moment - self.began_at) // self.window)
            grows = self.began_at + (steps + 1) * self.window
            if leaves <= max(moment, grows) or limit == self.target:
                return max(moment, leaves)
            moment = grows
        return moment


@dataclass(frozen=True, slots=True)
class Pace:
    """What limits an account: (window, mails) pairs, and seconds.

    `interval_seconds` lie between the beginnings of two mails, `mail_seconds` between
    a mail's beginning and its reply.
    """

    limits: tuple[tuple[dt.timedelta, int], ...]
    interval_seconds: float
    mail_seconds: float
    growth: Growth | None = None

    @property
    def interval(self) -> dt.timedelta:
        return dt.timedelta(seconds=self.interval_seconds)

    @property
    def reply(self) -> dt.timedelta:
        return dt.timedelta(seconds=self.mail_seconds)


@dataclass(slots=True)
class Queue:
    """Mails that wait for the same hours."""

    mails: int
    hours: BusinessTime | None = None
    # The hours looked up last: most mails begin in the same as the one before.
    _opening: dt.datetime | None = None
    _closing: dt.datetime | None = None

    def opens(self, moment: dt.datetime) -> dt.datetime | None:
        if self.hours is None:
            return moment
        if self._opening and self._closing and self._opening <= moment < self._closing:
            return moment
        opening = self.hours.next_opening(moment)
        if opening is not None:
            self._opening, self._closing = opening, self.hours.closing(opening)
        return opening


def finish_time(
    pace: Pace,
    *,
    queues: Sequence[Queue],
    start: dt.datetime,
    past: Sequence[dt.datetime] = (),
) -> dt.datetime | None:
    """When the last mail of all queues has left; None when it never can.

    `past` are the moments of earlier mails that still count, the oldest first.
    """
    mails = sum(queue.mails for queue in queues)
    if not mails:
        return start
    if any(limit == 0 for _window, limit in pace.limits):
        return None
    binding = tuple(
        (window, limit) for window, limit in pace.limits if limit < mails + len(past)
    )
    if binding or pace.growth or len(queues) > 1:
        begin = limited_run(pace, binding, queues=queues, start=start, past=past)
    else:
        begin = free_run(pace, queue=queues[0], start=start)
    return begin and begin + pace.reply


def begun_before(
    end: dt.datetime,
    pace: Pace,
    *,
    queues: Sequence[Queue],
    start: dt.datetime,
    past: Sequence[dt.datetime] = (),
) -> int:
    """How many mails of all queues begin before `end`."""
    if any(limit == 0 for _window, limit in pace.limits):
        return 0
    mails = sum(queue.mails for queue in queues)
    times = simulated(pace, pace.limits, queues=queues, start=start, past=past)
    answered = end + pace.reply
    begun = bisect_left(times, answered, lo=len(past)) - len(past)
    if begun < EXACT_STEPS or begun == mails:
        return begun
    step = usual_step(times)
    more = (answered - times[-1] - RESOLUTION) // step if step else mails
    return min(mails, begun + more)


def free_run(pace: Pace, *, queue: Queue, start: dt.datetime) -> dt.datetime | None:
    """No limit is in reach: mail after mail, from one closing time to the next day."""
    step = pace.interval
    moment, ahead = queue.opens(start), queue.mails - 1
    while moment is not None and queue.hours is not None:
        closing = queue.hours.closing(moment)
        # So many more begin before the closing time.
        more = (closing - moment - RESOLUTION) // step
        if ahead <= more:
            break
        ahead -= more + 1
        moment = queue.opens(max(closing, moment + (more + 1) * step))
    return moment and moment + ahead * step


def limited_run(
    pace: Pace,
    limits: tuple[tuple[dt.timedelta, int], ...],
    *,
    queues: Sequence[Queue],
    start: dt.datetime,
    past: Sequence[dt.datetime],
) -> dt.datetime | None:
    """The k-th mail waits for the (k − limit)-th to leave each window.

    Windows count a mail from its reply.
    """
    times = simulated(pace, limits, queues=queues, start=start, past=past)
    mails = sum(queue.mails for queue in queues)
    done = len(times) - len(past)
    if done < min(mails, EXACT_STEPS):
        return None
    return times[-1] - pace.reply + usual_step(times) * (mails - done)


def simulated(
    pace: Pace,
    limits: tuple[tuple[dt.timedelta, int], ...],
    *,
    queues: Sequence[Queue],
    start: dt.datetime,
    past: Sequence[dt.datetime],
) -> list[dt.datetime]:
    """`past`, and when the next mails are answered, as far as their hours come."""
    times = list(past)
    left = [queue.mails for queue in queues]
    moment = start
    for _number in range(min(sum(left), EXACT_STEPS)):
        for window, limit in limits:
            if len(times) >= limit:
                moment = max(moment, times[-limit] + window)
        if pace.growth:
            moment = pace.growth.waits_until(times, moment)
        found = first_open(queues, left, moment)
        if found is None:
            break
        moment, position = found
        left[position] -= 1
        times.append(moment + pace.reply)
        moment += pace.interval
    return times


def first_open(
    queues: Sequence[Queue], left: Sequence[int], moment: dt.datetime
) -> tuple[dt.datetime, int] | None:
    """(when, which) of the queue that can go on first."""
    found = [
        (opening, position)
        for position, queue in enumerate(queues)
        if left[position] and (opening := queue.opens(moment))
    ]
    return min(found, default=None)


def usual_step(times: Sequence[dt.datetime]) -> dt.timedelta:
    """What a mail takes at the pace of the last half of those simulated."""
    half = len(times) // 2
    return (times[-1] - times[half]) / max(1, len(times) - 1 - half)
