"""New mailboxes begin small: a daily limit that grows until it reaches the target.

Pure: the account's row and a moment in, numbers out.
"""

from __future__ import annotations

import datetime as dt

from massmail.models import EmailAccount

DAY = dt.timedelta(days=1)


def daily_limit(account: EmailAccount, target: int, now: dt.datetime) -> int:
    """The first day's messages, so many more on each further day, at most `target`.

    The first day begins with the first message, not with the account.
    """
    if account.warm_up_start is None:
        return target
    return min(target, grown(account, days_of(account, now)))


def next_step(
    account: EmailAccount, target: int, now: dt.datetime
) -> dt.datetime | None:
    """When the limit grows next; None when it does not any more, or not yet."""
    began = account.warm_up_began_at
    if account.warm_up_start is None or began is None:
        return None
    if daily_limit(account, target, now) >= target:
        return None
    return began + (days_of(account, now) + 1) * DAY


def days_of(account: EmailAccount, now: dt.datetime) -> int:
    """Whole days since it began; a clock that was set back makes none."""
    began = account.warm_up_began_at
    return max(0, (now - began) // DAY) if began else 0


def grown(account: EmailAccount, days: int) -> int:
    return (account.warm_up_start or 0) + days * account.warm_up_growth
