"""Many connections from one thread: each lane goes on when what it waits for came.

A lane is a generator (`lane.Steps`) that yields a `Wait` for its socket, a `Sleep`
for a gap, or the `Outgoing` message for which it asks leave.
"""

from __future__ import annotations

import select
import selectors
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from massmail.backends.phases import Wait
from massmail.orchestrator.lane import Request, Sleep, Steps
from massmail.orchestrator.outgoing import Outgoing

# How long the loop sleeps at most before it looks at the stop flag.
TICK_SECONDS = 0.5


@dataclass(slots=True)
class Task:
    """A lane's generator and what it waits for."""

    steps: Steps
    waits_for: Request | None = None

    @property
    def wakes_at(self) -> float | None:
        """When (`time.monotonic()`) it goes on even if nothing comes."""
        if isinstance(self.waits_for, Wait):
            return self.waits_for.deadline
        return self.waits_for.until if isinstance(self.waits_for, Sleep) else None


class Loop:
    """Drives generators; `stop` ends all gaps."""

    def __init__(self, stop: Callable[[], bool]) -> None:
        self._stop = stop
        self._tasks: list[Task] = []

    def __bool__(self) -> bool:
        """Whether any lane is still at work."""
        return bool(self._tasks)

    def start(self, all_steps: Iterable[Steps]) -> None:
        self._tasks = [Task(steps) for steps in all_steps]
        for task in list(self._tasks):
            self._resume(task, None)

    def close(self) -> None:
        """Throw away what is still at work; its connections are dropped."""
        for task in self._tasks:
            task.steps.close()

    def asking(self) -> list[Outgoing]:
        """Messages that wait for leave to go out."""
        return [
            task.waits_for
            for task in self._tasks
            if isinstance(task.waits_for, Outgoing)
        ]

    def answer(self, message: Outgoing, dot_before: float | None) -> None:
        """Until when (`time.monotonic()`) it may go out; None: not at all."""
        for task in self._tasks:
            if task.waits_for is message:
                self._resume(task, dot_before)
                return

    def turn(self, *, wait: bool) -> bool:
        """Let each connection that is ready go on; whether there was one.

        With `wait` it waits for one, for up to a tick.
        """
        ready = self._poll(self._patience() if wait else 0.0)
        for task in ready:
            self._resume(task, None)
        # However busy the others are: a dot must not leave after its time.
        self._wake_overdue()
        return bool(ready)

    def _patience(self) -> float:
        """Seconds until the next time-out or end of a gap, at most a tick."""
        tick = time.monotonic() + TICK_SECONDS
        first = min((task.wakes_at or tick for task in self._tasks), default=tick)
        return max(0.0, min(first, tick) - time.monotonic())

    def _poll(self, seconds: float) -> list[Task]:
        waiting: dict[int, Task] = {}
        poll = select.poll()
        for task in self._tasks:
            if isinstance(task.waits_for, Wait):
                number = task.waits_for.sock.fileno()
                waiting[number] = task
                poll.register(number, poll_events(task.waits_for))
        return [waiting[number] for number, _events in poll.poll(seconds * 1000)]

    def _wake_overdue(self) -> None:
        """Time-outs of connections, ends of gaps."""
        moment = time.monotonic()
        for task in list(self._tasks):
            waits_for = task.waits_for
            if isinstance(waits_for, Wait) and waits_for.deadline <= moment:
                self._resume(task, TimeoutError())
            elif isinstance(waits_for, Sleep) and (
                waits_for.until <= moment or self._stop()
            ):
                self._resume(task, None)

    def _resume(self, task: Task, value: float | TimeoutError | None) -> None:
        try:
            if isinstance(value, TimeoutError):
                task.waits_for = task.steps.throw(value)
            else:
                task.waits_for = task.steps.send(value)
        except StopIteration:
            self._tasks.remove(task)


def poll_events(wait: Wait) -> int:
    """EVENT_READ and EVENT_WRITE of `selectors` as events of `select.poll`."""
    reads = select.POLLIN if wait.events & selectors.EVENT_READ else 0
    writes = select.POLLOUT if wait.events & selectors.EVENT_WRITE else 0
    return reads | writes
