"""How fast an account's server takes mail, from the moments at which it answered.

Pure: takes moments, gives seconds.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

# Fewer say too little, older ones are about other days.
LEAST, NEWEST = 10, 100
# A pause shorter than this, or than so many usual ones, belongs to the sending.
SHORT_PAUSE_SECONDS = 15.0
USUAL_PAUSES = 5.0


def usual_interval(answers: Sequence[dt.datetime]) -> float | None:
    """Mean seconds from one message to the next while an account was at work.

    `answers`, the oldest first, may be of several connections, whose answers share a
    moment when they were written in one commit. None when there are too few.
    """
    newest = Counter(answers[-NEWEST:])
    moments = sorted(newest)
    pauses = [(later - earlier).total_seconds() for earlier, later in pairwise(moments)]
    if newest.total() < LEAST or not pauses:
        return None
    longest = max(SHORT_PAUSE_SECONDS, USUAL_PAUSES * median(pauses))
    busy = [
        (pause, newest[moment])
        for pause, moment in zip(pauses, moments[1:], strict=True)
        if pause <= longest
    ]
    mails = sum(count for _pause, count in busy)
    return sum(pause for pause, _count in busy) / mails if mails >= LEAST // 2 else None
