"""Senders killed by SIGKILL at any moment: nobody is mailed twice, nobody is lost.

The small size belongs to the suite, the full one to `make test-faults`.
"""

from __future__ import annotations

import os
import random
import sys
import time

import pytest

from massmail.backends.phases import Phase
from massmail.models import Delivery, MailingOut
from massmail.models.delivery_states import LEASED_STATUSES
from massmail.tests.mailings import launched, states
from massmail.tests.smtp_server import Fault
from massmail.tests.stories.processes import Child, Nursery, wait_until
from massmail.tests.stories.promises import assert_drained
from massmail.tests.stories.watched_server import WatchedServer

pytestmark = pytest.mark.django_db(transaction=True)

LANES = 2
# More with SEEDS="7 8 9" in the environment.
SEEDS = [int(seed) for seed in os.environ.get("SEEDS", "5").split()]
KILLED = -9
# A sender's first claim comes after some 50 steps, each message takes about ten.
STEPS_TO_LIVE = (1, 200)
QUICKEST, SLOWEST = 0.01, 1.0


class Story:
    """A mailing whose senders die again and again while it goes on.

    Half of them die by a signal at a random moment, the other half between two of
    their statements, commits or writes to the net. All others go on meanwhile. The
    kills are spread over the mailing by the number of accepted messages, and the
    server is just so slow that the mailing lasts as long as the kills take.
    """

    def __init__(
        self, nursery: Nursery, server: WatchedServer, *, workers: int, seed: int
    ) -> None:
        # Not secret: a failure shall be seen again with the same seed.
        self.chance = random.Random(seed)
        self.nursery = nursery
        self.server = server
        self.workers = workers
        self.alive: list[Child] = []
        self.doomed: Child | None = None

    def tell(self, *, messages: int, kills: int) -> MailingOut:
        mailing = launched(self.server, customers=messages, max_connections=64)
        self.pace = Pace(self.server, self.workers * LANES * kills / messages)
        self.alive = [self.start() for _ in range(max(1, self.workers - 1))]
        for accepted in sorted(self.chance.choices(range(messages - kills), k=kills)):
            wait_until(lambda n=accepted: len(self.server.accepted) >= n, "mail went")
            self.chance.choice([self.kill_by_signal, self.kill_between_steps])()
            self.pace.adapt()
        assert rows_left(mailing), "the mailing was over before the last kill"
        self.end_doomed()
        self.pace.end()
        drain(mailing)
        for survivor in self.alive:
            survivor.kill()
        assert self.server.wait_until_idle()
        return mailing

    def kill_by_signal(self) -> None:
        time.sleep(self.chance.uniform(0, 0.05))
        assert self.alive.pop(0).kill() == KILLED
        self.alive.append(self.start())

    def kill_between_steps(self) -> None:
        self.end_doomed()
        self.doomed = self.start(kill_at=self.chance.randint(*STEPS_TO_LIVE))

    def end_doomed(self) -> None:
        if self.doomed is not None:
            assert self.doomed.kill() == KILLED

    def start(self, *, kill_at: int = 0) -> Child:
        return self.nursery.start("send_queue", "--lanes", str(LANES), kill_at=kill_at)


class Pace:
    """Delays replies, so that a mailing is not over before its kills.

    `share` is the number of connections over the number of messages per kill.
    """

    def __init__(self, server: WatchedServer, share: float) -> None:
        self._server = server
        self._share = share
        self._began = time.monotonic()
        self._kills = 0
        self._delay(QUICKEST)

    def adapt(self) -> None:
        self._kills += 1
        per_kill = (time.monotonic() - self._began) / self._kills
        self._delay(min(max(per_kill * self._share, QUICKEST), SLOWEST))

    def end(self) -> None:
        self._delay(QUICKEST)

    def _delay(self, seconds: float) -> None:
        self._server.script.clear()
        slow_reply = Fault(Phase.DOT, after_accept=True, delay_seconds=seconds)
        self._server.script.add(slow_reply)


def drain(mailing: MailingOut) -> None:
    """The senders that still live take over what the dead have left behind."""
    while left := rows_left(mailing):
        wait_until(lambda n=left: rows_left(mailing) < n, f"of {left} rows one moved")


def rows_left(mailing: MailingOut) -> int:
    waiting = (Delivery.Status.QUEUED, *LEASED_STATUSES)
    return mailing.deliveries.filter(status__in=waiting).count()


def assert_story(server: WatchedServer, mailing: MailingOut, *, kills: int) -> None:
    assert_drained(server, mailing, uncertain=kills * LANES)
    assert set(states(mailing)) <= {"sent", "uncertain"}
    assert states(mailing)["sent"] >= mailing.recipients_count - kills * LANES
    # Leases of the dead are the only reason for doubt.
    reasons = mailing.deliveries.filter(status="uncertain").values_list("reason")
    # Shown by `pytest -rP`.
    sys.stdout.write(f"{kills} kills: {states(mailing)}\n")
    assert set(reasons) <= {("worker_lost",)}


def test_senders_killed_at_random_moments(nursery, server):
    story = Story(nursery, server, workers=2, seed=4)
    mailing = story.tell(messages=150, kills=12)
    assert_story(server, mailing, kills=12)


@pytest.mark.faults
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_hundred_kills_over_five_hundred_messages(nursery, server, seed):
    story = Story(nursery, server, workers=2, seed=seed)
    mailing = story.tell(messages=500, kills=100)
    assert_story(server, mailing, kills=100)


@pytest.mark.faults
@pytest.mark.services
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", SEEDS)
def test_three_hundred_kills_of_four_workers_over_two_thousand_messages(
    nursery, server, seed
):
    story = Story(nursery, server, workers=4, seed=seed)
    mailing = story.tell(messages=2000, kills=300)
    assert_story(server, mailing, kills=300)
