"""A story told again and again, each time with the kill at a later step."""

from __future__ import annotations

import itertools
from collections.abc import Callable

KILLED = -9


def kill_at_steps(every: int, story: Callable[[int], int]) -> int:
    """Tell the story with a kill at each `every`-th step until one gets through.

    Returns the number of kills.
    """
    for kills, step in enumerate(itertools.count(1, every)):
        code = story(step)
        assert code in (0, KILLED)
        if code == 0:
            return kills
    raise AssertionError
