"""A real worker and a real beat: Celery only wakes, the database holds the schedule."""

from __future__ import annotations

import os
import signal
import subprocess
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from massmail.backends.phases import Phase
from massmail.models import AccountLane, MailingOut
from massmail.orchestrator.lifecycle import launch
from massmail.tests.mailings import account_at, draft, ready_settings, states
from massmail.tests.smtp_server import Fault
from massmail.tests.stories.processes import PATIENCE, Processes, wait_until
from massmail.tests.stories.promises import (
    assert_drained,
    assert_never_twice_never_lost,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.services]

BROKER_URL = os.environ.get("CELERY_BROKER_URL", "redis://127.0.0.1:6379/1")
RECIPIENTS = 60
ACCOUNTS = ("first@example.com", "second@example.com")
# The whole mailing then takes seconds, so that things can happen in its middle.
SLOW_REPLY = Fault(Phase.DOT, after_accept=True, delay_seconds=0.05)


@dataclass
class Background:
    """Celery's processes, on a queue that no other run shares."""

    processes: Processes
    folder: Path
    queue: str

    def worker(self) -> subprocess.Popen:
        return self._celery(
            "worker", "--pool=prefork", "--concurrency=2", "--without-mingle"
        )

    def beat(self, name: str = "beat") -> subprocess.Popen:
        return self._celery("beat", f"--schedule={self.folder / name}", "--pidfile=")

    def _celery(self, *arguments: str) -> subprocess.Popen:
        return self.processes.celery(
            *arguments,
            "--loglevel=WARNING",
            CELERY_BROKER_URL=BROKER_URL,
            CELERY_TASK_DEFAULT_QUEUE=self.queue,
            # Many short runs: each of them is one more wake-up.
            MASSMAIL_RUN_SECONDS="0.5",
        )


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


def test_a_worker_that_is_told_to_stop_loses_nothing(background, server, mailing):
    background.beat()
    worker = background.worker()
    wait_until(lambda: len(server.accepted) >= RECIPIENTS // 3, "mail went out")

    worker.send_signal(signal.SIGTERM)

    assert worker.wait(PATIENCE) == 0
    counts = states(mailing)
    assert set(counts) == {"sent", "queued"}
    assert counts["sent"] == len(server.accepted)
    assert not AccountLane.objects.exclude(token=None).exists()
    assert_never_twice_never_lost(server, mailing)

    background.worker()
    wait_until(is_done(mailing), "the mailing is done")
    assert_all_were_mailed_once(server, mailing)
