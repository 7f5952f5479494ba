"""Who reads a mailbox while others want to, too; and what a killed reader leaves."""

from __future__ import annotations

import threading

import pytest
from django.db import connections
from django.utils import timezone

from massmail.models import Mailbox, MailboxFolder
from massmail.orchestrator import mailbox_lease
from massmail.orchestrator.mailbox_lease import lease_seconds
from massmail.orchestrator.polling import due_mailboxes, poll_mailbox, poll_mailboxes
from massmail.tests.imap_server import Fault, ImapServer
from massmail.tests.mailboxes.conftest import (
    PASSWORD,
    USER,
    account_at,
    bounce,
    later,
)


def in_thread(work):
    """Starts it; returns what waits for its result."""
    results = []

    def run():
        try:
            results.append(work())
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()

    def result():
        thread.join()
        return results[0]

    return result


@pytest.mark.django_db(transaction=True)
def test_of_two_readers_one_reads_and_the_other_goes(server, receiver):
    account = account_at(server)
    poll_mailbox(account.pk)
    server.deliver(bounce())
    server.gate.clear()
    while server.waiting.acquire(blocking=False):
        pass
    first = in_thread(lambda: poll_mailbox(account.pk))
    server.waiting.acquire(timeout=10)

    second = poll_mailbox(account.pk)
    assert (second.state, due_mailboxes(later(minutes=2))) == ("busy", [])
    server.gate.set()

    assert first().kinds == {"bounce": 1}
    assert len(receiver.mails) == 1


@pytest.mark.django_db(transaction=True)
def test_a_late_reader_says_nothing_and_turns_nothing_back(
    server, receiver, monkeypatch
):
    monkeypatch.setattr(mailbox_lease, "RENEWAL_SECONDS", 0.0)
    account = account_at(server)
    poll_mailbox(account.pk)
    server.deliver(bounce())
    while server.waiting.acquire(blocking=False):
        pass
    server.gate.clear()
    late = in_thread(lambda: poll_mailbox(account.pk))
    server.waiting.acquire(timeout=10)
    # Its lease has ended long ago, as for a process that was stopped for an hour.
    Mailbox.objects.update(lease_until=timezone.now())
    next_one = in_thread(lambda: poll_mailbox(account.pk))
    server.waiting.acquire(timeout=10)
    server.gate.set()

    assert next_one().state == "read"
    assert late().state == "busy"
    assert MailboxFolder.objects.get().last_uid == 1
    assert Mailbox.objects.get().lease_token is None


def test_the_lease_of_a_killed_reader_ends(ready, server, receiver):
    server.deliver(bounce())
    receiver.error = SystemExit()
    with pytest.raises(SystemExit):
        poll_mailbox(ready.pk)

    assert poll_mailbox(ready.pk).state == "busy"
    Mailbox.objects.update(next_poll_at=timezone.now())
    after = later(seconds=lease_seconds() + 5)
    assert due_mailboxes(after) == [ready.pk]
    assert poll_mailbox(ready.pk, now=after).state == "read"


def test_a_lease_is_longer_than_the_longest_step(settings):
    assert lease_seconds() > 30 + 60 + 2 * 20


def test_who_is_long_at_it_renews_the_lease(ready, server, receiver, monkeypatch):
    monkeypatch.setattr(mailbox_lease, "RENEWAL_SECONDS", 0.0)
    kept = []
    monkeypatch.setattr(
        Mailbox.objects, "keep", lambda *args, **kwargs: kept.append(args) or 1
    )
    server.deliver(bounce())

    poll_mailbox(ready.pk)

    assert len(kept) >= 2


def test_with_a_lost_lease_nothing_more_is_taken_in(
    ready, server, receiver, monkeypatch
):
    monkeypatch.setattr(mailbox_lease, "RENEWAL_SECONDS", 0.0)
    monkeypatch.setattr(Mailbox.objects, "keep", lambda *args, **kwargs: 0)
    server.deliver(bounce())

    assert poll_mailbox(ready.pk).state == "busy"
    assert receiver.mails == []


@pytest.mark.django_db(transaction=True)
def test_all_that_are_due_are_read_and_one_that_hangs_delays_no_other(
    server, receiver, set_massmail
):
    set_massmail(CONNECT_TIMEOUT=0.1, COMMAND_TIMEOUT=0.4)
    faults = [Fault("GREETING", hang=True)]
    with ImapServer(users={USER: PASSWORD}, faults=faults) as hanging:
        stuck = account_at(hanging)
        others = [account_at(server) for _ in range(3)]

        polls = {poll.account_id: poll for poll in poll_mailboxes()}

    assert polls[stuck.pk].reason == "timed_out"
    assert {polls[account.pk].state for account in others} == {"read"}
    assert poll_mailboxes() == []
