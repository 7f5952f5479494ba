"""Limits hold in every sliding window, whoever sends and however the clock goes."""

from __future__ import annotations

import datetime as dt
import random
import uuid
from bisect import bisect_left

import pytest

from massmail.models import Delivery, SendAttempt
from massmail.sending.claiming import claim_batch
from massmail.sending.quotas import Counted, room, unanswered
from massmail.tests.factories import NOW, EmailAccountFactory, MailingOutFactory
from massmail.tests.mailings import bare_rows

SECOND = dt.timedelta(seconds=1)
TICK = dt.timedelta(microseconds=1)
MINUTE, HOUR, DAY = 60, 3600, 86400


@pytest.fixture
def ask(account, defaults):
    """How many may begin at NOW, and when the next one."""

    def ask(wanted=100, now=NOW):
        found = room(account, defaults, now=now, wanted=wanted)
        return found.count, found.next_at

    return ask


def test_with_room_the_answer_is_what_is_wanted(ask):
    assert ask(wanted=7) == (7, None)


@pytest.mark.parametrize(
    ("field", "window"), [("per_minute", MINUTE), ("per_hour", HOUR), ("per_day", DAY)]
)
def test_each_limit_counts_its_window(ask, limits, attempts, field, window):
    limits(**{field: 5})
    attempts(0, window - 1, window, window + 1)

    assert ask() == (2, None)


def test_the_settings_limit_accounts_without_a_limit_of_their_own(
    ask, limits, attempts, defaults
):
    limits(per_day=None)
    defaults.emails_per_day = 3
    attempts(1)

    assert ask() == (2, None)


def test_the_narrowest_limit_decides(ask, limits, attempts):
    limits(per_minute=4, per_hour=5, per_day=50)
    attempts(1, 100, 200)

    assert ask() == (2, None)


@pytest.mark.parametrize(
    ("field", "window"), [("per_minute", MINUTE), ("per_hour", HOUR), ("per_day", DAY)]
)
def test_a_full_window_frees_as_its_oldest_attempt_leaves(
    ask, limits, attempts, field, window
):
    limits(**{field: 3})
    attempts(1, 2, window - 5, window - 1)

    count, frees = ask()

    # Of four attempts in a window of three, the second oldest has to leave.
    assert (count, frees) == (0, NOW + 5 * SECOND + TICK)
    assert ask(now=frees - TICK)[0] == 0
    assert ask(now=frees)[0] == 1


def test_the_last_window_to_free_decides(ask, limits, attempts):
    limits(per_minute=1, per_hour=1)
    attempts(10)

    assert ask() == (0, NOW + (HOUR - 10) * SECOND + TICK)


def test_a_limit_of_nothing_lets_nothing_out(ask, limits):
    limits(per_day=0)

    assert ask() == (0, NOW + DAY * SECOND)


def test_claims_take_places(ask, limits, rows, token):
    limits(per_hour=5)
    rows(3, token)

    assert ask() == (2, None)


def test_the_rest_frees_while_claims_are_out(ask, limits, attempts, rows, token):
    """Two places are claimed now, so the one attempt of an hour ago has to leave."""
    limits(per_hour=3)
    attempts(HOUR - 5)
    rows(2, token)

    assert ask() == (0, NOW + 5 * SECOND + TICK)


def test_when_all_places_are_claimed_the_first_of_them_has_to_leave(
    ask, limits, rows, token
):
    limits(per_hour=2)
    rows(3, token)

    assert ask() == (0, NOW + HOUR * SECOND)


def test_attempts_in_the_future_count(ask, limits, attempts):
    """The clock was set back by two hours."""
    limits(per_hour=2)
    attempts(-2 * HOUR, -2 * HOUR)

    assert ask() == (0, NOW + 3 * HOUR * SECOND + TICK)


def test_attempts_of_other_accounts_do_not_count(ask, limits, rows, attempts, token):
    limits(per_hour=1)
    attempts(5)
    SendAttempt.objects.update(email_account=EmailAccountFactory())
    rows(1, token, email_account=EmailAccountFactory())

    assert ask() == (1, None)


def test_a_message_whose_reply_is_awaited_counts_however_old(ask, limits, rows):
    limits(per_minute=2)
    handed_over = NOW - 300 * SECOND
    rows(1, status="sending", sending_at=handed_over)
    SendAttempt.objects.bulk_create(
        SendAttempt(
            email_account=row.email_account,
            delivery=row,
            token=row.claim_token,
            occurred_at=handed_over,
        )
        for row in Delivery.objects.filter(status="sending")
    )

    assert ask() == (1, None)


def test_far_from_a_limit_a_run_counts_once(
    account, defaults, limits, attempts, django_assert_num_queries
):
    limits(per_hour=100)
    attempts(1, 2, 3)
    counted = Counted()
    assert room(account, defaults, now=NOW, wanted=50, counted=counted).count == 50

    attempts(0, 0)
    # The claims of now, and the number of the latest attempt.
    with django_assert_num_queries(2):
        again = room(account, defaults, now=NOW, wanted=50, counted=counted)

    assert again.count == 50


def test_near_a_limit_each_claim_counts(account, defaults, limits, attempts):
    limits(per_hour=100)
    counted = Counted()
    room(account, defaults, now=NOW, wanted=50, counted=counted)
    attempts(*range(45))

    near = room(account, defaults, now=NOW, wanted=50, counted=counted)
    attempts(*range(50))
    nearer = room(account, defaults, now=NOW, wanted=50, counted=counted)

    assert (near.count, nearer.count) == (50, 5)


def test_claims_count_for_a_run_that_has_counted(
    account, defaults, limits, rows, token
):
    limits(per_hour=20)
    counted = Counted()
    room(account, defaults, now=NOW, wanted=5, counted=counted)
    rows(18, token)

    assert room(account, defaults, now=NOW, wanted=5, counted=counted).count == 2


def test_a_clock_that_was_set_back_is_counted_by(account, defaults, limits, attempts):
    limits(per_hour=10)
    attempts(*[HOUR + 10] * 10)
    counted = Counted()
    assert room(account, defaults, now=NOW, wanted=2, counted=counted).count == 2

    earlier = NOW - 60 * SECOND
    assert room(account, defaults, now=earlier, wanted=2, counted=counted).count == 0


class Simulation:
    """Workers that claim, hand over, get replies and die.

    Their clock may be set back at any moment; a server counts by the time that passes.
    """

    LIMITS = {"per_minute": 4, "per_hour": 12, "per_day": 30}
    WINDOWS = {"per_minute": MINUTE, "per_hour": HOUR, "per_day": DAY}

    def __init__(self, account, rows, seed):
        self.account = account
        # As two runs have it that go on all the time.
        self.counted = [Counted(), Counted()]
        self.random = random.Random(seed)
        self.time, self.clock_is_late = NOW, 0 * SECOND
        # What the server accepted, by its own time.
        self.accepted = []
        [first] = rows(1)
        for number in range(1, 200):
            first.pk, first.object_id = None, f"r{number}"
            first.address_key = str(number)
            first.save()

    @property
    def now(self):
        return self.time - self.clock_is_late

    def step(self):
        action = self.random.choice([self.claim, self.pass_time, self.go_on])
        action()

    def claim(self):
        counted = self.random.choice(self.counted)
        claim_batch(self.account.pk, uuid.uuid4(), now=self.now, counted=counted)
        for row in Delivery.objects.filter(status="claimed"):
            if self.random.random() < 0.1:
                Delivery.objects.release(row.claim_token, [row.pk])

    def pass_time(self):
        seconds = self.random.choice([0, 1, 7, 30, 59, 61, 61, 600, 3601, 9000])
        self.time += seconds * SECOND

    def set_the_clock_back(self):
        self.clock_is_late += self.random.choice([1, 100, 5000]) * SECOND

    def go_on(self):
        for row in Delivery.objects.filter(status__in=["claimed", "sending"]):
            if self.random.random() < 0.2:
                continue
            if row.status == "claimed":
                self.hand_over(row)
            else:
                self.accept(row)

    def hand_over(self, row):
        Delivery.objects.filter(pk=row.pk).update(status="sending", sending_at=self.now)
        SendAttempt.objects.create(
            email_account=self.account,
            delivery=row,
            token=row.claim_token,
            occurred_at=self.now,
        )

    def accept(self, row):
        self.accepted.append(self.time)
        SendAttempt.objects.filter(delivery=row).update(
            outcome="sent", occurred_at=self.now
        )
        Delivery.objects.mark_sent(row.pk, row.claim_token, sent_at=self.now)

    def most_in_a_window(self, seconds):
        times = sorted(self.accepted)
        return max(
            (
                position + 1 - bisect_left(times, time - seconds * SECOND)
                for position, time in enumerate(times)
            ),
            default=0,
        )


@pytest.mark.parametrize("back", [False, True], ids=["clock", "clock set back"])
@pytest.mark.parametrize("seed", range(3))
def test_random_workers_never_exceed_a_limit_in_any_window(
    account, rows, limits, settings, seed, back
):
    settings.MASSMAIL = {**settings.MASSMAIL, "CLAIM_BATCH": 5}
    limits(**Simulation.LIMITS)
    simulation = Simulation(account, rows, seed)

    for number in range(200):
        simulation.step()
        if back and number % 20 == 0:
            simulation.set_the_clock_back()

    assert len(simulation.accepted) > 20
    for field, seconds in Simulation.WINDOWS.items():
        assert simulation.most_in_a_window(seconds) <= Simulation.LIMITS[field]


def test_awaited_answers_are_found_without_statistics(account):
    """As in a ledger that grew since the database last looked at it."""
    bare_rows(MailingOutFactory(launched=True), account, 3000, status="sent")

    assert "delivery_leases" in unanswered(account).explain()
