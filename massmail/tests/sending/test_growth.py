"""The forecast's warm-up: pure arithmetic of a limit that grows."""

from __future__ import annotations

import datetime as dt

from massmail.sending.timetable import Growth, Pace, Queue, finish_time
from massmail.tests.factories import NOW

DAY = dt.timedelta(days=1)


def finish(mails: int, *, past=(), began=NOW, first=10, step=5, target=100):
    growth = Growth(DAY, first, step, target, began)
    pace = Pace(
        limits=((DAY, target),), interval_seconds=0.0, mail_seconds=0.0, growth=growth
    )
    return finish_time(pace, queues=[Queue(mails)], start=NOW, past=past)


def test_what_fits_into_the_first_day_is_sent_in_it():
    assert finish(10) == NOW


def test_each_day_takes_more():
    """10, 15, 20, 25 a day."""
    assert finish(11) == NOW + DAY
    assert finish(25) == NOW + DAY
    assert finish(26) == NOW + 2 * DAY
    assert finish(45) == NOW + 2 * DAY
    assert finish(70) == NOW + 3 * DAY


def test_it_grows_no_further_than_the_target():
    """10, 12, 12, 12."""
    assert finish(34, target=12) == NOW + 2 * DAY
    assert finish(35, target=12) == NOW + 3 * DAY


def test_growth_lets_more_through_before_the_window_frees():
    began = NOW - DAY + dt.timedelta(hours=1)
    past = [NOW - dt.timedelta(minutes=1)] * 10

    assert finish(5, past=past, began=began) == NOW + dt.timedelta(hours=1)
