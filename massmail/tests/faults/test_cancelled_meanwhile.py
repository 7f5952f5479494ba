"""What comes back to the queue of a cancelled mailing waits at no moment."""

from __future__ import annotations

import datetime as dt

import pytest

from massmail.backends.phases import Reply
from massmail.orchestrator.lifecycle import cancel, launch
from massmail.reports.ledger import check_ledger
from massmail.tests.factories import NOW, EmailAccountFactory, UserFactory
from massmail.tests.faults.simulated import MailServer, Worker
from massmail.tests.mailings import draft, ready_settings, states

pytestmark = pytest.mark.django_db

LATER = Reply(451, "4.3.0", "later")
BUSY = Reply(421, "4.3.2", "too many connections")


@pytest.fixture
def mailing():
    ready_settings()
    mailing = draft(customers=2)
    EmailAccountFactory(owner=mailing.owner)
    return launch(mailing, by=mailing.owner, now=NOW)


@pytest.fixture
def worker(mailing):
    account = mailing.owner.massmail_emailaccount_set.get()
    return Worker(MailServer(), account)


def step_until(worker, reached, answer):
    while not reached():
        worker.step(answer, NOW)


def assert_all_cancelled(mailing):
    assert list(check_ledger(NOW)) == []
    assert states(mailing) == {"skipped": 2}
    assert set(mailing.deliveries.values_list("reason", flat=True)) == {"cancelled"}


@pytest.mark.parametrize("answer", [LATER, BUSY])
def test_a_message_in_flight_that_is_refused_for_now(mailing, worker, answer):
    step_until(worker, lambda: worker.in_flight and worker.in_flight.has_left, answer)
    cancel(mailing, by=mailing.owner, now=NOW)

    step_until(worker, lambda: worker.results, answer)
    worker.commit(NOW)

    assert list(check_ledger(NOW)) == []
    assert states(mailing)["skipped"] == 1
    worker.end()
    assert_all_cancelled(mailing)


def test_a_message_whose_account_was_given_away_too(mailing, worker):
    step_until(worker, lambda: worker.asking, LATER)
    cancel(mailing, by=mailing.owner, now=NOW)
    worker.account.owner = UserFactory()
    worker.account.save()

    worker.commit(NOW)

    assert list(check_ledger(NOW)) == []
    worker.end()
    assert_all_cancelled(mailing)


def test_what_a_run_gives_back_at_its_end(mailing, worker):
    step_until(worker, lambda: worker.asking, LATER)
    cancel(mailing, by=mailing.owner, now=NOW + dt.timedelta(seconds=1))

    worker.end()

    assert_all_cancelled(mailing)
