"""What a run did."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from massmail.sending.outcomes import Scope, Verdict
from massmail.sending.recording import Result

# The ways in which a row leaves the run; `moved`: to another account.
MOVES = ("sent", "failed", "retried", "uncertain", "skipped", "moved")
# What lies further ahead is found in time by a walk, and needs no timer till then.
WAKE_AHEAD_SECONDS = 300.0


@dataclass(slots=True)
class SendReport:
    """Counts of one run; `next_at` is when the account can go on, if that is known.

    `stopped_because` is a code word of the outcome table when the account or the
    line ended the run.
    """

    account_id: int
    sent: int = 0
    failed: int = 0
    retried: int = 0
    uncertain: int = 0
    skipped: int = 0
    moved: int = 0
    released: int = 0
    stopped_because: str = ""
    next_at: dt.datetime | None = None

    def count(self, results: Iterable[Result]) -> None:
        for result in results:
            verdict = result.outcome.verdict
            if verdict == Verdict.SENT:
                self.sent += 1
            elif verdict == Verdict.UNCERTAIN:
                self.uncertain += 1
            elif result.outcome.scope == Scope.RECIPIENT:
                if verdict == Verdict.RETRY:
                    self.retried += 1
                else:
                    self.failed += 1

    @property
    def handled(self) -> int:
        """Rows that moved on; a run without any found nothing to do."""
        return sum(getattr(self, name) for name in MOVES)

    def wake_seconds(self, now: dt.datetime) -> float | None:
        """In how many seconds another run is worth while; None: a walk will find out.

        Only a run that moved something asks for the next one. Otherwise two that were
        woken for the same moment would each wake another, for ever.
        """
        if self.next_at is None or not self.handled:
            return None
        seconds = (self.next_at - now).total_seconds()
        return max(0.0, seconds) if seconds <= WAKE_AHEAD_SECONDS else None

    def __str__(self) -> str:
        counts = ((name, getattr(self, name)) for name in MOVES)
        words = [f"{count} {name}" for name, count in counts if count]
        return f"account {self.account_id}: " + ", ".join(
            [*words, self.stopped_because] if self.stopped_because else words
        )
