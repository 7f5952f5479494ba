"""Uncertain mails that left after all: their copies lie among the sent mail."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from massmail.models import DeliveryEvent, Mailbox
from massmail.orchestrator import mailbox_proofs
from massmail.orchestrator.polling import poll_mailbox
from massmail.tests.factories import DeliveryFactory
from massmail.tests.imap_server import Fault
from massmail.tests.mailboxes.conftest import account_at

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def sent(server):
    return server.add_folder("Sent Items", r"\Sent")


def in_doubt(account, number: int = 1, age: dt.timedelta = HOUR, **fields):
    return DeliveryFactory(
        email_account=account,
        mailing__owner=account.owner,
        status="uncertain",
        reason="no_answer_after_dot",
        message_id=f"<{number}.news@example.com>",
        sending_at=timezone.now() - age,
        **fields,
    )


def copy_of(row) -> bytes:
    return f"Message-ID: {row.message_id}\r\nSubject: news\r\n\r\nhello".encode()


def status(row) -> str:
    row.refresh_from_db()
    return row.status


def searches(server) -> int:
    return sum("HEADER Message-ID" in line for line in server.commands)


def test_a_copy_among_the_sent_mail_proves_that_it_left(ready, server, sent):
    row, other = in_doubt(ready, 1), in_doubt(ready, 2)
    sent.add(copy_of(row))

    poll = poll_mailbox(ready.pk)

    assert (poll.proved, status(row), status(other)) == (1, "sent", "uncertain")
    event = DeliveryEvent.objects.get()
    assert (event.kind, event.detail) == (
        "resolved",
        "a copy is in the folder of sent mail",
    )
    assert server.changes == []


@pytest.mark.parametrize(
    "name", ["Sent", "INBOX/Gesendet", "&BB4EQgQ,BEAEMAQyBDsENQQ9BD0ESwQ1-"]
)
def test_the_folder_is_found_by_its_name_too(ready, server, name):
    folder = server.add_folder(name)
    row = in_doubt(ready)
    folder.add(copy_of(row))

    assert poll_mailbox(ready.pk).proved == 1


def test_without_doubt_the_folder_is_not_opened(ready, server, sent):
    poll_mailbox(ready.pk)

    assert not [
        line for line in server.commands if "Sent Items" in line and "EXAMINE" in line
    ]


def test_a_mailbox_without_such_a_folder_proves_nothing(ready, server):
    row = in_doubt(ready)

    assert poll_mailbox(ready.pk).proved == 0
    assert status(row) == "uncertain"


def test_mails_of_other_accounts_are_not_looked_for(ready, server, sent):
    other = account_at(server)
    row = in_doubt(other)
    sent.add(copy_of(row))

    assert poll_mailbox(ready.pk).proved == 0
    assert status(row) == "uncertain"


def test_old_doubts_are_left_to_people(ready, server, sent):
    in_doubt(ready, age=dt.timedelta(days=20))

    poll_mailbox(ready.pk)

    assert searches(server) == 0


def test_doubts_are_found_along_their_index(ready, plans):
    rows = [in_doubt(ready, number) for number in range(3)]
    found = []

    def look():
        now = timezone.now()
        found.extend(mailbox_proofs.in_doubt(ready, after=0, now=now))

    [plan] = plans(look, "sending_at")

    assert found == rows
    assert "delivery_doubts" in plan


def test_of_many_some_are_looked_for_and_the_others_the_next_time(ready, server, sent):
    rows = [in_doubt(ready, number) for number in range(25)]
    sent.add(copy_of(rows[-1]))

    assert poll_mailbox(ready.pk).proved == 0
    assert searches(server) == 20
    assert Mailbox.objects.get().searched_up_to == rows[19].pk

    assert poll_mailbox(ready.pk).proved == 1
    assert searches(server) == 25

    # Behind the last it begins anew: a copy may have come later.
    sent.add(copy_of(rows[0]))
    polls = [poll_mailbox(ready.pk).proved for _ in range(2)]
    assert polls == [0, 1]


@pytest.mark.parametrize("answer", ["NO no", "BAD what"])
@pytest.mark.parametrize("step", ["EXAMINE Sent", "SEARCH"])
def test_a_folder_of_sent_mail_that_fails_does_not_lose_what_was_read(
    ready, server, sent, step, answer
):
    in_doubt(ready)
    server.faults.append(Fault(step, reply=f"{{tag}} {answer}"))

    poll = poll_mailbox(ready.pk)

    assert (poll.state, poll.proved) == ("read", 0)
