"""Senders killed by SIGKILL at any moment: nobody is mailed twice, nobody is lost.

The small size belongs to the suite, the full one to `make test-faults`.
"""

from __future__ import annotations

import random
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
# A reply that takes a while is where most of a real sender's time goes.
SLOW_REPLY = Fault(Phase.DOT, after_accept=True, delay_seconds=0.01)


def kill_at_random(
    nursery: Nursery,
    server: WatchedServer,
    *,
    messages: int,
    kills: int,
    workers: int,
    seed: int,
) -> MailingOut:
    """A mailing whose senders die again and again while it goes on.

    Kills are spread over the whole mailing by the number of accepted messages, and
    each falls a random moment later. All but one of the workers go on meanwhile.
    """
    # Not secret: a failure shall be seen again with the same seed.
    chance = random.Random(seed)
    server.script.add(SLOW_REPLY)
    mailing = launched(server, customers=messages, max_connections=64)
    alive = [start_sender(nursery) for _ in range(workers)]
    for accepted in sorted(chance.choices(range(messages - kills), k=kills)):
        wait_until(lambda n=accepted: len(server.accepted) >= n, "mail went out")
        time.sleep(chance.uniform(0, 0.05))
        victim = alive.pop(0)
        assert victim.kill() == -9
        alive.append(start_sender(nursery))
    drain(mailing)
    for survivor in alive:
        survivor.kill()
    assert server.wait_until_idle()
    return mailing


def start_sender(nursery: Nursery) -> Child:
    return nursery.start("send_queue", "--lanes", str(LANES))


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


def test_senders_killed_at_random_moments(nursery, server):
    mailing = kill_at_random(nursery, server, messages=150, kills=12, workers=2, seed=4)
    assert_story(server, mailing, kills=12)


@pytest.mark.faults
@pytest.mark.timeout(1800)
def test_a_hundred_kills_over_five_hundred_messages(nursery, server):
    mailing = kill_at_random(
        nursery, server, messages=500, kills=100, workers=2, seed=5
    )
    assert_story(server, mailing, kills=100)


@pytest.mark.faults
@pytest.mark.services
@pytest.mark.timeout(3600)
def test_three_hundred_kills_of_four_workers_over_two_thousand_messages(
    nursery, server
):
    mailing = kill_at_random(
        nursery, server, messages=2000, kills=300, workers=4, seed=6
    )
    assert_story(server, mailing, kills=300)
