"""How many mails begin before a moment: the other side of when the last one leaves."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from massmail.sending.timetable import (
    EXACT_STEPS,
    Pace,
    Queue,
    begun_before,
    finish_time,
)
from massmail.tests.factories import NOW

HOUR = dt.timedelta(hours=1)
SECOND = dt.timedelta(seconds=1)


def pace(gap=10.0, per_hour=None):
    limits = () if per_hour is None else ((HOUR, per_hour),)
    return Pace(limits=limits, interval_seconds=gap, mail_seconds=1.0)


@given(
    mails=st.integers(1, 30),
    per_hour=st.none() | st.integers(1, 9),
    past=st.integers(0, 9),
    before=st.booleans(),
)
def test_all_but_the_last_begin_before_it(mails, per_hour, past, before):
    fields = {
        "queues": [Queue(mails)],
        "start": NOW,
        "past": [NOW - HOUR + number * SECOND for number in range(1, past + 1)],
    }
    last = finish_time(pace(per_hour=per_hour), **fields) - SECOND

    end = last if before else last + dt.timedelta(microseconds=1)
    begun = begun_before(end, pace(per_hour=per_hour), **fields)

    assert begun == (mails - 1 if before else mails)


def test_behind_those_simulated_the_pace_goes_on():
    mails = EXACT_STEPS + 5000

    def begun(end):
        return begun_before(end, pace(), queues=[Queue(mails)], start=NOW)

    assert begun(NOW + (EXACT_STEPS + 100) * 10 * SECOND) == EXACT_STEPS + 100
    assert begun(NOW + 2 * mails * 10 * SECOND) == mails


def test_a_limit_of_none_at_all_lets_nothing_begin():
    begun = begun_before(NOW + HOUR, pace(per_hour=0), queues=[Queue(3)], start=NOW)

    assert begun == 0
