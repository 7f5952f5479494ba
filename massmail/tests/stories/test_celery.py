"""A real worker and a real beat: Celery only wakes, the database holds the schedule."""

from __future__ import annotations

import os
import signal
import subprocess
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from massmail.backends.phases import Phase
from massmail.exceptions import WrongState
from massmail.models import AccountLane, MailingOut
from massmail.orchestrator.lifecycle import launch
from massmail.tests.faults.clicks import CLICKS, in_threads
from massmail.tests.mailings import account_at, draft, ready_settings, states
from massmail.tests.smtp_server import Fault
from massmail.tests.stories.own_servers import Broker
from massmail.tests.stories.processes import PATIENCE, Processes, wait_until
from massmail.tests.stories.promises import (
    assert_drained,
    assert_never_twice_never_lost,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.services]

GIVEN_BROKER = os.environ.get("CELERY_BROKER_URL", "redis://127.0.0.1:6379/1")
RECIPIENTS = 60
ACCOUNTS = ("first@example.com", "second@example.com")
# The whole mailing then takes seconds, so that things can happen in its middle.
SLOW_REPLY = Fault(Phase.DOT, after_accept=True, delay_seconds=0.05)


def broker_of_this_process() -> str:
    """The broker, and of its databases one that no other test process flushes."""
    url = urlsplit(GIVEN_BROKER)
    first = int(url.path.strip("/") or 0)
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    return url._replace(path=f"/{first + int(worker)}").geturl()


BROKER_URL = broker_of_this_process()


@dataclass
class Background:
    """Celery's processes, on a queue that no other run shares."""

    processes: Processes
    folder: Path
    queue: str
    broker_url: str = BROKER_URL

    def worker(self, pool: str = "prefork", **massmail: float) -> subprocess.Popen:
        return self._celery(
            "worker",
            f"--pool={pool}",
            "--concurrency=2",
            "--without-mingle",
            **{f"MASSMAIL_{name}": str(value) for name, value in massmail.items()},
        )

    def beat(self, name: str = "beat") -> subprocess.Popen:
        return self._celery("beat", f"--schedule={self.folder / name}", "--pidfile=")

    def _celery(self, *arguments: str, **variables: str) -> subprocess.Popen:
        given = {
            "CELERY_BROKER_URL": self.broker_url,
            "CELERY_TASK_DEFAULT_QUEUE": self.queue,
            # Many short runs: each of them is one more wake-up.
            "MASSMAIL_RUN_SECONDS": "0.5",
        }
        return self.processes.celery(
            *arguments, "--loglevel=WARNING", **given | variables
        )


@dataclass
class Supervised:
    """A process that is started again when it ends, as docs/systemd does it.

    A Celery worker that loses its broker at an unlucky moment gives up (kombu fails
    in its own clean-up), and only whoever keeps it running brings it back.
    """

    start: Callable[[], subprocess.Popen]
    process: subprocess.Popen = field(init=False)

    def __post_init__(self) -> None:
        self.process = self.start()

    def tend(self) -> None:
        if self.process.poll() is not None:
            self.process = self.start()


@pytest.fixture
def broker():
    with redis.Redis.from_url(BROKER_URL) as client:
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture
def background(broker, processes, tmp_path):
    return Background(processes, tmp_path, f"stories-{uuid.uuid4().hex}")


@pytest.fixture
def mailing(server):
    """Running, through two accounts."""
    server.script.add(SLOW_REPLY)
    ready_settings()
    mailing = draft(customers=RECIPIENTS)
    for address in ACCOUNTS:
        account_at(server, mailing.owner, from_email=address)
    return launch(mailing, by=mailing.owner)


def is_done(mailing: MailingOut) -> Callable[[], bool]:
    rows = MailingOut.objects.filter(pk=mailing.pk, status=MailingOut.Status.DONE)
    return rows.exists


def assert_all_were_mailed_once(server, mailing) -> None:
    assert states(mailing) == {"sent": RECIPIENTS}
    assert_drained(server, mailing)
    senders = Counter(entry["mail_from"] for entry in server.entries())
    assert senders == dict.fromkeys(ACCOUNTS, RECIPIENTS // 2)
    assert server.most_connections <= len(ACCOUNTS)


def test_a_worker_and_a_beat_send_a_mailing_through_two_accounts(
    background, server, mailing
):
    background.worker()
    background.beat()
    wait_until(is_done(mailing), "the mailing is done")
    assert_all_were_mailed_once(server, mailing)


def test_two_beats_and_a_flushed_broker_change_nothing(
    background, broker, server, mailing
):
    background.worker()
    background.beat("one")
    background.beat("two")
    for accepted in (RECIPIENTS // 4, RECIPIENTS // 2):
        wait_until(lambda n=accepted: len(server.accepted) >= n, "mail went out")
        broker.flushdb()
    wait_until(is_done(mailing), "the mailing is done")
    assert_all_were_mailed_once(server, mailing)


@pytest.fixture
def own_broker(tmp_path):
    broker = Broker(tmp_path)
    yield broker
    broker.kill()


def test_a_killed_broker_delays_and_changes_nothing(
    own_broker, processes, tmp_path, server, mailing
):
    background = Background(processes, tmp_path, "stories", own_broker.url)
    worker = Supervised(background.worker)
    beat = Supervised(background.beat)

    def wait_for(condition: Callable[[], bool], what: str) -> None:
        wait_until(lambda: worker.tend() or beat.tend() or condition(), what)

    for accepted in (RECIPIENTS // 4, RECIPIENTS // 2):
        wait_for(lambda n=accepted: len(server.accepted) >= n, "mail went out")
        own_broker.kill()
        own_broker.start()
    wait_for(is_done(mailing), "the mailing is done")
    assert_all_were_mailed_once(server, mailing)


@pytest.mark.faults
def test_two_beats_eight_workers_and_twenty_launch_clicks_at_once(background, server):
    server.script.add(SLOW_REPLY)
    ready_settings()
    mailing = draft(customers=RECIPIENTS)
    for address in ACCOUNTS:
        account_at(server, mailing.owner, from_email=address)
    for name in ("one", "two"):
        background.beat(name)
    for _ in range(4):
        background.worker()
        background.worker("threads")

    def click():
        return launch(MailingOut.objects.get(pk=mailing.pk), by=mailing.owner)

    found = in_threads(CLICKS, click)

    assert Counter(map(type, found)) == {MailingOut: 1, WrongState: CLICKS - 1}
    wait_until(is_done(mailing), "the mailing is done")
    assert_all_were_mailed_once(server, mailing)


WAYS_TO_STOP = [
    pytest.param("prefork", os.kill, id="prefork"),
    # As systemd does by default: each process of the unit gets the signal.
    pytest.param("prefork", os.killpg, id="prefork, whole group"),
    pytest.param("threads", os.kill, id="threads"),
]


@pytest.mark.parametrize(("pool", "kill"), WAYS_TO_STOP)
def test_a_worker_that_is_told_to_stop_begins_no_new_message(
    background, server, mailing, pool, kill
):
    server.script.clear()
    server.script.add(Fault(Phase.DOT, after_accept=True, delay_seconds=1.0))
    background.beat()
    worker = background.worker(pool, RUN_SECONDS=60.0, FINAL_DOT_TIMEOUT=60.0)
    wait_until(lambda: len(server.accepted) >= len(ACCOUNTS), "replies are awaited")

    kill(worker.pid, signal.SIGTERM)
    accepted = len(server.accepted)

    assert worker.wait(PATIENCE) == 0
    # What was announced before the signal came may still leave.
    assert len(server.accepted) <= accepted + len(ACCOUNTS)
    counts = states(mailing)
    assert set(counts) == {"sent", "queued"}
    assert counts["sent"] == len(server.accepted)
    assert not AccountLane.objects.exclude(token=None).exists()
    assert_never_twice_never_lost(server, mailing)

    server.script.clear()
    background.worker(pool)
    wait_until(is_done(mailing), "the mailing is done")
    assert_all_were_mailed_once(server, mailing)


@pytest.mark.parametrize(("pool", "kill"), WAYS_TO_STOP)
def test_a_worker_that_is_told_to_stop_does_not_wait_forever(
    background, server, mailing, pool, kill
):
    """The rows stay `sending`: whether the server took the messages, nobody knows."""
    server.script.clear()
    hanging = Fault(Phase.DOT, after_accept=True, hang=True, times=len(ACCOUNTS))
    server.script.add(hanging)
    background.beat()
    worker = background.worker(
        pool, RUN_SECONDS=600.0, FINAL_DOT_TIMEOUT=600.0, TERM_SECONDS=0.5
    )
    wait_until(lambda: len(server.accepted) == len(ACCOUNTS), "replies are awaited")

    kill(worker.pid, signal.SIGTERM)

    assert worker.wait(PATIENCE) == 0
    assert states(mailing) == {"sending": 2, "queued": RECIPIENTS - 2}
    assert_never_twice_never_lost(server, mailing)
