"""What the test server does wrong, and when."""

from __future__ import annotations

import dataclasses
import random
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from massmail.backends.phases import Phase


@dataclass(frozen=True)
class Fault:
    """One deviation at one phase; fields can be combined, in the order written here.

    A fault applies to the addresses that `to` and `sender` (shell patterns) match; at
    phases before MAIL or RCPT they are not known and only "*" matches. At DOT the
    message is accepted before the fault if `after_accept`, else never.
    """

    phase: Phase
    to: str = "*"
    sender: str = "*"
    # How often it happens, to begin with the `skip`+1st time; None: always.
    skip: int = 0
    times: int | None = None
    probability: float = 1.0

    after_accept: bool = False
    delay_seconds: float = 0.0
    # Never answers; the connection stays open until the client or the server ends.
    hang: bool = False
    # Sent instead of the usual answer; a positive one lets the conversation go on.
    reply: str = ""
    # "close" ends the connection in order, "reset" tears it down; unless there is a
    # reply, nothing is answered before.
    drop: str = ""

    def __post_init__(self) -> None:
        if self.drop not in ("", "close", "reset"):
            raise ValueError(f"Unknown drop {self.drop!r}.")

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Fault:
        return cls(**{**data, "phase": Phase(data["phase"])})

    def matches(self, phase: Phase, sender: str, to: str) -> bool:
        return (
            phase is self.phase
            and fnmatchcase(sender, self.sender)
            and fnmatchcase(to, self.to)
        )


class Script:
    """The faults of a server, with their counters; safe between its threads."""

    def __init__(self, faults: Iterable[Fault] = (), *, seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._random = random.Random(seed)
        self._faults = list(faults)
        self._met: dict[int, int] = {}

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()
            self._met.clear()

    def next_fault(self, phase: Phase, sender: str = "", to: str = "") -> Fault | None:
        """The first fault that happens here now, counted as having happened."""
        with self._lock:
            for position, fault in enumerate(self._faults):
                if fault.matches(phase, sender, to) and self._happens(position, fault):
                    return fault
        return None

    def _happens(self, position: int, fault: Fault) -> bool:
        if self._random.random() >= fault.probability:
            return False
        met = self._met.get(position, 0)
        last = None if fault.times is None else fault.skip + fault.times
        if last is not None and met >= last:
            return False
        self._met[position] = met + 1
        return met >= fault.skip


def faults_from_json(data: Iterable[Mapping[str, Any]]) -> list[Fault]:
    known = {field.name for field in dataclasses.fields(Fault)}
    for entry in data:
        if unknown := set(entry) - known:
            raise ValueError(f"Faults have no {', '.join(sorted(unknown))}.")
    return [Fault.from_json(entry) for entry in data]
