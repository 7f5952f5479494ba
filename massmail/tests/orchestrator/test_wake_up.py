"""The next run begins when the account can go on, not at the next walk."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from massmail import tasks
from massmail.backends.phases import Phase
from massmail.models import EmailAccount
from massmail.orchestrator import sender
from massmail.orchestrator.report import WAKE_AHEAD_SECONDS, SendReport
from massmail.orchestrator.send import send_account_queue
from massmail.tests.mailings import launched, states
from massmail.tests.smtp_server import FaultServer

NOW = dt.datetime(2027, 3, 10, 12, tzinfo=dt.UTC)


@pytest.fixture
def server():
    with FaultServer() as running:
        yield running


@pytest.fixture
def massmail_setting(settings):
    def change(**values):
        settings.MASSMAIL = {**settings.MASSMAIL, **values}

    return change


@pytest.fixture
def wake_ups(monkeypatch):
    """(arguments, countdown, expires) of each task that asks for another run."""
    asked = []

    def apply_async(arguments, *, countdown, expires):
        asked.append((arguments, countdown, expires))

    monkeypatch.setattr(tasks.send_account_queue, "apply_async", apply_async)
    return asked


def report(seconds, *, sent=1):
    return SendReport(1, sent=sent, next_at=NOW + dt.timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("seconds", "wakes_in"),
    [
        (20, 20),
        (-1, 0),
        (WAKE_AHEAD_SECONDS, WAKE_AHEAD_SECONDS),
        (WAKE_AHEAD_SECONDS + 1, None),
    ],
)
def test_a_near_turn_is_waited_for_and_a_far_one_left_to_a_walk(seconds, wakes_in):
    assert report(seconds).wake_seconds(NOW) == wakes_in


def test_a_run_that_moved_nothing_wakes_nobody():
    assert report(20, sent=0).wake_seconds(NOW) is None
    assert SendReport(1, sent=1).wake_seconds(NOW) is None


@pytest.mark.django_db
def test_a_long_gap_ends_the_run_and_its_end_wakes_the_next(server, wake_ups):
    mailing = launched(server, min_gap_seconds=20, max_gap_seconds=30)
    account = EmailAccount.objects.get()

    tasks.send_account_queue(account.pk)

    assert states(mailing) == {"sent": 1, "queued": 2}
    account.refresh_from_db()
    [(arguments, countdown, expires)] = wake_ups
    assert arguments == (account.pk,)
    assert 0 < countdown <= 30
    left = (account.next_send_at - timezone.now()).total_seconds()
    assert countdown >= left
    assert expires == countdown + tasks.STALE_SECONDS


@pytest.mark.django_db
def test_a_run_that_comes_inside_the_gap_wakes_nobody(server, wake_ups):
    launched(server, min_gap_seconds=20, max_gap_seconds=30)
    account = EmailAccount.objects.get()
    send_account_queue(account.pk)

    tasks.send_account_queue(account.pk)

    assert wake_ups == []
    assert len(server.accepted) == 1


@pytest.mark.django_db
def test_a_run_whose_time_is_up_is_followed_at_once(server, wake_ups, massmail_setting):
    mailing = launched(server)
    original = server.script.next_fault

    def next_fault(phase, *arguments):
        """The first message takes all the time that a run has."""
        if phase is Phase.MAIL:
            massmail_setting(RUN_SECONDS=0.0)
        return original(phase, *arguments)

    server.script.next_fault = next_fault

    tasks.send_account_queue(EmailAccount.objects.get().pk)

    assert states(mailing) == {"sent": 1, "queued": 2}
    assert [countdown for _arguments, countdown, _expires in wake_ups] == [0.0]


@pytest.mark.django_db
def test_time_up_inside_a_short_gap_waits_for_its_end(server, massmail_setting):
    massmail_setting(RUN_SECONDS=0.001)
    launched(server, min_gap_seconds=4, max_gap_seconds=4)
    account = EmailAccount.objects.get()
    next_send_at = timezone.now() + dt.timedelta(seconds=4)
    EmailAccount.objects.update(next_send_at=next_send_at)

    report = send_account_queue(account.pk)

    assert report.next_at == next_send_at


@pytest.mark.django_db
def test_an_empty_queue_wakes_nobody(server, wake_ups):
    mailing = launched(server)

    tasks.send_account_queue(EmailAccount.objects.get().pk)

    assert states(mailing) == {"sent": 3}
    assert wake_ups == []


@pytest.mark.django_db
def test_a_minutes_limit_wakes_as_its_window_frees(server, wake_ups):
    mailing = launched(server, per_minute=2)

    tasks.send_account_queue(EmailAccount.objects.get().pk)

    assert states(mailing) == {"sent": 2, "queued": 1}
    [(_arguments, countdown, _expires)] = wake_ups
    assert 0 < countdown <= 61


@pytest.mark.django_db(transaction=True)
def test_the_sender_without_celery_follows_the_gaps(
    server, massmail_setting, monkeypatch
):
    """Walks that are an hour apart would end the test by its time limit."""
    monkeypatch.setattr(sender, "WALK_SECONDS", 3600.0)
    massmail_setting(SHORT_GAP_SECONDS=0.01)
    mailing = launched(server, min_gap_seconds=0.5, max_gap_seconds=0.5)

    def on_report(report):
        if not mailing.deliveries.filter(status="queued").exists():
            running.stop()

    running = sender.Sender(on_report=on_report)
    running.run()

    assert states(mailing) == {"sent": 3}
