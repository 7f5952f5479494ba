"""The pace of a server, from the moments of its answers."""

from __future__ import annotations

import datetime as dt
import random

import pytest

from massmail.sending.measured_pace import usual_interval
from massmail.tests.factories import NOW


def moments(*pauses):
    """The first answer at NOW, each other after its pause."""
    found = [NOW]
    for pause in pauses:
        found.append(found[-1] + dt.timedelta(seconds=pause))
    return found


@pytest.mark.parametrize("seconds", [0.01, 0.2, 3.0, 90.0, 400.0])
def test_one_answer_after_the_other(seconds):
    assert usual_interval(moments(*[seconds] * 30)) == pytest.approx(seconds)


def test_answers_that_share_their_commits():
    """Four connections, all of which wait for eight seconds."""
    answers = [moment for moment in moments(*[8.0] * 12) for _ in range(4)]

    assert usual_interval(answers) == pytest.approx(2.0)


def test_many_connections_that_answer_at_any_moment():
    draws = random.Random(5)
    waits = [draws.expovariate(1 / 0.25) for _ in range(99)]

    assert usual_interval(moments(*waits)) == pytest.approx(sum(waits) / 99, rel=0.05)


def test_nights_and_pauses_are_no_work():
    answers = moments(*[2.0] * 20, 12 * 3600.0, *[2.0] * 20, 600.0, *[2.0] * 20)

    assert usual_interval(answers) == pytest.approx(2.0)


def test_opening_connections_anew_is_part_of_it():
    """A run of five messages, then three seconds for the next login."""
    answers = moments(*[1.0, 1.0, 1.0, 1.0, 4.0] * 10)

    assert usual_interval(answers) == pytest.approx(8 / 5)


def test_the_newest_hundred_count():
    answers = moments(*[9.0] * 200, *[1.0] * 100)

    assert usual_interval(answers) == pytest.approx(1.0)


@pytest.mark.parametrize("answers", [[], moments(), moments(*[1.0] * 8), [NOW] * 50])
def test_too_few_say_nothing(answers):
    assert usual_interval(answers) is None
