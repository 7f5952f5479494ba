"""`poll_mailboxes`: the mailboxes, read without Celery."""

from __future__ import annotations

import time

import pytest

from massmail import tasks
from massmail.models import EmailAccount, Heartbeat
from massmail.orchestrator import polling
from massmail.orchestrator.polling import poll_mailbox
from massmail.orchestrator.sender import Sender
from massmail.tests.imap_server import Fault
from massmail.tests.mailboxes.conftest import (
    account_at,
    bounce,
    receiver,
    server,
)

__all__ = ["receiver", "server"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def account(server, receiver) -> EmailAccount:
    """Read once, and due again."""
    account = account_at(server)
    poll_mailbox(account.pk)
    account.save()
    server.deliver(bounce())
    return account


def test_all_that_are_due_are_read(manage, account):
    ended = manage("poll_mailboxes")

    assert (ended.code, ended.stderr) == (0, "")
    line = f"account {account.pk} <{account.from_email}>: read, 1 new, 1 bounce\n"
    assert ended.stdout == line
    assert manage("poll_mailboxes", "--json").json == []


def test_one_account_is_read_whether_due_or_not(manage, account, server):
    manage("poll_mailboxes")
    server.deliver(bounce(kind="complaint"))

    [row] = manage("poll_mailboxes", "--account", account.pk, "--json").json

    assert (row["account"], row["state"], row["looked_at"]) == (account.pk, "read", 1)
    assert (row["found"], row["reason"], row["proved"]) == ({"complaint": 1}, "", 0)
    assert row["next_at"] is not None


def test_a_mailbox_that_cannot_be_read_ends_it_with_1(manage, account, server):
    server.faults.append(Fault("AUTHENTICATE", reply="{tag} NO no"))

    ended = manage("poll_mailboxes", "--json")

    [row] = ended.json
    assert (ended.code, row["state"], row["reason"]) == (1, "failed", "login_refused")
    assert (row["words"], row["next_at"]) == ("no", None)
    assert "refused the login" in row["help"]


def test_an_unknown_account_or_one_that_does_not_read_is_named(manage, server):
    silent = account_at(server, imports_mail=False)

    for pk, words in ((0, "no account 0"), (silent.pk, "reads no mailbox")):
        ended = manage("poll_mailboxes", "--account", pk)
        assert (ended.code, words in ended.stderr) == (1, True)


def test_the_task_reads_what_is_due(account, receiver):
    tasks.poll_mailboxes()

    assert receiver.mails == [bounce()]


def test_while_one_task_reads_no_other_one_keeps_a_process_busy(account, monkeypatch):
    monkeypatch.setattr(polling, "is_polling", lambda: True)

    tasks.poll_mailboxes()

    assert polling.due_mailboxes() == [account.pk]


def test_the_sender_without_celery_reads_besides_and_is_not_delayed(
    account, server, receiver, set_massmail
):
    server.faults.append(Fault("GREETING", hang=True, times=1))
    set_massmail(CONNECT_TIMEOUT=0.1, COMMAND_TIMEOUT=0.3)
    sender = Sender()
    for chore in sender._chores:
        chore._next_at = 0.0
    real = sender._step

    def step():
        moved = real()
        if polling.Mailbox.objects.filter(reason="timed_out").exists():
            sender.stop()
        return moved

    sender._step = step
    sender._idle_seconds = lambda: 0.02
    began_at = time.monotonic()
    sender.run()

    assert time.monotonic() - began_at < 3
    assert Heartbeat.objects.filter(name="beat").exists()


def test_once_reads_no_mailbox(manage, account, receiver):
    manage("send_queue", "--once")

    assert receiver.mails == []
