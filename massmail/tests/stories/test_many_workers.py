"""Several senders at once: limits hold at the server, nobody is mailed twice."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest
from django.utils import timezone

from massmail.backends.phases import Phase
from massmail.models import AccountLane
from massmail.orchestrator.lifecycle import launch
from massmail.tests.mailings import (
    account_at,
    draft,
    launched,
    ready_settings,
    send_all,
    states,
)
from massmail.tests.smtp_server import Fault
from massmail.tests.stories.leases import end_all_leases
from massmail.tests.stories.processes import Child, Nursery, wait_until
from massmail.tests.stories.promises import (
    assert_drained,
    assert_never_twice_never_lost,
)

pytestmark = pytest.mark.django_db(transaction=True)

WORKERS = 4


def start_workers(nursery: Nursery, *arguments: str, **massmail: float) -> list[Child]:
    return [nursery.start("send_queue", *arguments, **massmail) for _ in range(WORKERS)]


def wait_for_all(children: list[Child]) -> None:
    assert [child.wait() for child in children] == [0] * len(children)


def test_an_account_never_has_more_connections_than_it_may(nursery, server):
    mailing = launched(server, customers=200, max_connections=3)
    wait_for_all(start_workers(nursery, "--once"))
    drain_with_one_more(nursery)
    assert_drained(server, mailing)
    assert states(mailing) == {"sent": 200}
    assert server.most_connections <= 3


def test_a_slow_reply_keeps_its_lane(nursery, server):
    """The lane of a message in flight is not given away when others have ended."""
    server.script.add(Fault(Phase.DOT, times=1, skip=4, after_accept=True, hang=True))
    mailing = launched(server, customers=20, max_connections=2)
    sender = nursery.start("send_queue", RUN_SECONDS=0.5, FINAL_DOT_TIMEOUT=100.0)
    wait_until(
        lambda: (
            len(server.accepted) > 4
            and server.open_connections == 1
            and states(mailing).get("sending") == 1
        ),
        "one connection waits for its reply and the other has ended",
    )
    soon = timezone.now() + dt.timedelta(seconds=10)
    assert AccountLane.objects.filter(lease_until__gt=soon).count() == 2

    sender.kill()
    end_all_leases()
    send_all()
    assert_drained(server, mailing, uncertain=1)
    assert states(mailing) == {"sent": 19, "uncertain": 1}


def test_limits_hold_at_the_server_whoever_sends(nursery, server):
    ready_settings()
    mailing = draft(customers=80)
    limits = {"first@example.com": 13, "second@example.com": 22}
    for address, limit in limits.items():
        account_at(
            server,
            mailing.owner,
            from_email=address,
            per_minute=limit,
            max_connections=4,
        )
    launch(mailing, by=mailing.owner)
    wait_for_all(start_workers(nursery, "--once", "--lanes", "2"))
    drain_with_one_more(nursery)
    assert Counter(entry["mail_from"] for entry in server.entries()) == limits
    assert states(mailing) == {"sent": 35, "queued": 45}
    assert_never_twice_never_lost(server, mailing)


def drain_with_one_more(nursery: Nursery) -> None:
    """Who found all lanes taken has left while the others still gave rows back."""
    assert nursery.start("send_queue", "--once").wait() == 0
