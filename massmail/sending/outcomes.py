"""From a step's failure or reply to what happens now; delays of what is tried again.

Pure: nothing here reads a clock, a setting or the database.
"""

from __future__ import annotations

from massmail.backends.causes import Cause
from massmail.backends.phases import Phase, Reply
from massmail.sending.outcome_help import HELP
from massmail.sending.outcome_rules import (
    BEFORE_MAIL,
    HARD_BOUNCE_REASONS,
    LIMIT_REASONS,
    REPUTATION_REASONS,
    RULES,
    WITHOUT_REPLY,
)
from massmail.sending.verdicts import Outcome, Scope, Verdict, back_off

__all__ = [
    "HARD_BOUNCE_REASONS",
    "HELP",
    "LIMIT_REASONS",
    "REPUTATION_REASONS",
    "Outcome",
    "Scope",
    "Verdict",
    "account_backoff_seconds",
    "classify",
    "recipient_retry_delay_seconds",
]

_SENT = Outcome(Scope.RECIPIENT, Verdict.SENT)
_UNCERTAIN = Outcome(Scope.RECIPIENT, Verdict.UNCERTAIN, "no_answer_after_dot")

_MINUTE, _HOUR = 60.0, 3600.0
_RECIPIENT_DELAYS = (
    5 * _MINUTE,
    15 * _MINUTE,
    _HOUR,
    4 * _HOUR,
    12 * _HOUR,
    24 * _HOUR,
)
_GIVE_UP_AFTER = 72 * _HOUR
_ACCOUNT_DELAYS = (
    _MINUTE,
    2 * _MINUTE,
    5 * _MINUTE,
    15 * _MINUTE,
    30 * _MINUTE,
    _HOUR,
)
_JITTER = 0.2


def classify(phase: Phase, reply: Reply | None, *, detail: str = "") -> Outcome:
    """What a reply, or a failure without one, means at a phase; never raises.

    `detail` is that of the `SmtpFailure`. A message is sent only by 2xx after the dot,
    and not sent only by 4xx or 5xx: anything else after the dot is uncertain.
    """
    digit = None if reply is None else reply.code // 100
    if phase is Phase.DOT and digit == 2:
        return _SENT
    if reply is not None and digit in (4, 5):
        return _of_refusal(phase, reply)
    if phase is Phase.DOT:
        return _UNCERTAIN
    return _of_silence(phase, Cause.PROTOCOL_ERROR if reply else Cause.of(detail))


def _of_silence(phase: Phase, cause: Cause | None) -> Outcome:
    outcome = WITHOUT_REPLY[cause or Cause.CONNECTION_LOST]
    # A connection that fails before any mail would fail the same way at once again.
    if phase in BEFORE_MAIL and outcome.scope is Scope.CONNECTION:
        return back_off(outcome.reason)
    return outcome


def _of_refusal(phase: Phase, reply: Reply) -> Outcome:
    matching = (row.outcome for row in RULES if row.matches(phase, reply))
    return next(matching, back_off("server_refused"))


def recipient_retry_delay_seconds(
    attempts: int, since_first_seconds: float
) -> float | None:
    """When to try a recipient again that was tried `attempts` times; None: give up.

    5, 15, 60 min, 4, 12, 24 h, then daily; the last try is 72 h after the first.
    """
    remaining = _GIVE_UP_AFTER - since_first_seconds
    if remaining <= 0:
        return None
    step = min(max(attempts, 1), len(_RECIPIENT_DELAYS)) - 1
    return min(_RECIPIENT_DELAYS[step], remaining)


def account_backoff_seconds(failures_in_a_row: int, jitter: float) -> float:
    """1, 2, 5, 15, 30, 60 min ± 20 %; `jitter` in -1..1 is drawn by the caller."""
    step = min(max(failures_in_a_row, 1), len(_ACCOUNT_DELAYS)) - 1
    return _ACCOUNT_DELAYS[step] * (1 + _JITTER * jitter)
