"""A sender killed between any two of its statements, commits and writes to the net.

The small size kills at some of these places, `make test-faults` at each.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.utils import timezone

from massmail.backends.phases import Phase
from massmail.models import MailingOut
from massmail.models.proof import resolve_by_proof
from massmail.orchestrator.lifecycle import launch
from massmail.tests.mailings import account_at, draft, ready_settings, send_all, states
from massmail.tests.smtp_server import Fault
from massmail.tests.stories.kills import KILLED, kill_at_steps
from massmail.tests.stories.leases import end_all_leases
from massmail.tests.stories.processes import Nursery, wait_until
from massmail.tests.stories.promises import (
    addresses_in,
    assert_drained,
    assert_never_twice_never_lost,
)
from massmail.tests.stories.watched_server import WatchedServer

pytestmark = pytest.mark.django_db(transaction=True)

# Past every lease of a killed process.
LATER = dt.timedelta(hours=1)


@contextmanager
def mailing_of_three(
    log_path: Path, *, lanes: int
) -> Iterator[tuple[WatchedServer, MailingOut]]:
    with WatchedServer(log_path=log_path) as server:
        mailing = draft(customers=3)
        account_at(server, mailing.owner, max_connections=lanes)
        yield server, launch(mailing, by=mailing.owner)


def assert_it_ends_well(
    server: WatchedServer, mailing: MailingOut, *, uncertain: int
) -> None:
    """Somebody takes over once the leases ended, and a person decides the rest."""
    assert server.wait_until_idle()
    assert_never_twice_never_lost(server, mailing)
    send_all(timezone.now() + LATER)
    assert_drained(server, mailing, uncertain=uncertain)
    decide_by_the_log(server, mailing)
    send_all(timezone.now() + LATER)
    assert states(mailing) == {"sent": 3}
    assert sorted(server.addresses()) == sorted(addresses_in(mailing, "sent"))
    mailing.refresh_from_db()
    assert mailing.status == MailingOut.Status.DONE


def decide_by_the_log(server: WatchedServer, mailing: MailingOut) -> None:
    accepted = server.addresses()
    for row in mailing.deliveries.filter(status="uncertain"):
        now = timezone.now() + LATER
        sent = row.address in accepted
        assert resolve_by_proof(row.pk, sent=sent, now=now, detail="server's log")


def kill_sender(nursery: Nursery, folder: Path, *, lanes: int, every: int) -> int:
    ready_settings()

    def story(step: int) -> int:
        with mailing_of_three(folder / f"{step}.jsonl", lanes=lanes) as (server, it):
            code = nursery.start("send_queue", "--once", kill_at=step).wait()
            uncertain = lanes if code == KILLED else 0
            assert_it_ends_well(server, it, uncertain=uncertain)
        return code

    return kill_at_steps(every, story)


def test_a_sender_killed_at_some_of_its_steps(nursery, tmp_path):
    assert kill_sender(nursery, tmp_path, lanes=2, every=17) >= 4


@pytest.mark.faults
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("lanes", [1, 2])
def test_a_sender_killed_at_any_of_its_steps(nursery, tmp_path, lanes):
    assert kill_sender(nursery, tmp_path, lanes=lanes, every=1) >= 30


def kill_successor(nursery: Nursery, folder: Path, *, every: int) -> int:
    """The sender that takes over what a dead one held dies, too."""
    ready_settings()

    def story(step: int) -> int:
        with mailing_of_three(folder / f"{step}.jsonl", lanes=1) as (server, mailing):
            die_with_one_in_flight(nursery, server)
            end_all_leases()
            code = nursery.start("send_queue", "--once", kill_at=step).wait()
            uncertain = 2 if code == KILLED else 1
            assert_it_ends_well(server, mailing, uncertain=uncertain)
        return code

    return kill_at_steps(every, story)


def die_with_one_in_flight(nursery: Nursery, server: WatchedServer) -> None:
    """Killed after the server took the first message and before it said so."""
    server.script.add(Fault(Phase.DOT, times=1, after_accept=True, delay_seconds=0.5))
    sender = nursery.start("send_queue", "--once")
    wait_until(lambda: server.accepted, "the first message was accepted")
    assert sender.kill() == KILLED
    assert states(MailingOut.objects.latest("pk")) == {"sending": 1, "claimed": 2}


def test_a_successor_killed_at_some_of_its_steps(nursery, tmp_path):
    assert kill_successor(nursery, tmp_path, every=23) >= 3


@pytest.mark.faults
@pytest.mark.timeout(1800)
def test_a_successor_killed_at_any_of_its_steps(nursery, tmp_path):
    assert kill_successor(nursery, tmp_path, every=1) >= 30
