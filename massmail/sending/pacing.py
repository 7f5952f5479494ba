"""The random pause between two mails of an account."""

from __future__ import annotations

import datetime as dt
import random

from massmail.conf import conf
from massmail.models import EmailAccount

# Gaps shall look human, not be secret.
_random = random.SystemRandom()


def gap(account: EmailAccount) -> dt.timedelta:
    """A random length between the account's bounds."""
    seconds = _random.uniform(account.min_gap_seconds, account.max_gap_seconds)
    return dt.timedelta(seconds=seconds)


# So that a large claim is over in good time, too.
MAX_BATCHES = 40
QUICKLY_USED_UP_SECONDS = 3.0


def next_batches(batches: int, seconds: float) -> int:
    """How many to claim after so many lasted so long.

    A claim costs nearly the same for any number of rows: where mail leaves quickly,
    fewer and larger ones do.
    """
    return batches if seconds > QUICKLY_USED_UP_SECONDS else 2 * batches


def batch_size(account: EmailAccount, batches: int = 1) -> int:
    """How many rows one claim takes: no more than a run can send."""
    if not account.has_gaps:
        return conf.CLAIM_BATCH * min(max(batches, 1), MAX_BATCHES)
    shortest = max(account.min_gap_seconds, 0.1)
    if shortest > conf.SHORT_GAP_SECONDS:
        return 1
    return min(conf.CLAIM_BATCH, 1 + int(conf.RUN_SECONDS / shortest))


def gap_is_over(account: EmailAccount, now: dt.datetime) -> bool:
    return account.next_send_at is None or account.next_send_at <= now
