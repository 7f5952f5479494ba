"""Reading a mailbox: what is taken in, what is left alone, where it goes on."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import OperationalError
from django.utils import timezone

from massmail.models import Mailbox, MailboxFolder
from massmail.orchestrator.polling import poll_mailbox
from massmail.tests.factories import DeliveryFactory, SendAttemptFactory
from massmail.tests.imap_server import Fault
from massmail.tests.mailboxes.conftest import (
    account_at,
    bounce,
    later,
    private,
    reads_from_now,
)

DAY = dt.timedelta(days=1)


def position(name: str = "INBOX") -> tuple[int | None, int]:
    row = MailboxFolder.objects.get(name=name)
    return row.uid_validity, row.last_uid


def sent_lately(account, days: int):
    row = DeliveryFactory(email_account=account, mailing__owner=account.owner)
    SendAttemptFactory(delivery=row, occurred_at=timezone.now() - days * DAY)
    return row


def test_a_new_bounce_is_taken_in_and_counted(ready, server, receiver):
    server.deliver(bounce("first"))

    poll = poll_mailbox(ready.pk)

    assert (poll.state, poll.looked_at, poll.kinds) == ("read", 1, {"bounce": 1})
    assert receiver.mails == [bounce("first")]
    assert receiver.accounts == [ready]
    mailbox = Mailbox.objects.get()
    assert (mailbox.found, mailbox.reason) == ({"bounce": 1}, "")


def test_nothing_is_read_twice(ready, server, receiver):
    server.deliver(bounce("first"))
    poll_mailbox(ready.pk)
    server.deliver(bounce("second"))

    poll_mailbox(ready.pk)
    poll_mailbox(ready.pk)

    assert receiver.subjects == ["first", "second"]
    assert position() == (1000, 2)


def test_the_mailbox_stays_as_it_was(ready, server, receiver):
    server.deliver(bounce())
    server.deliver(private())

    poll_mailbox(ready.pk)

    assert server.changes == []
    assert [mail.is_seen for mail in server.inbox.mails.values()] == [False, False]
    assert server.verbs()[-1] == "LOGOUT"


def test_what_is_private_is_neither_fetched_nor_handed_in(ready, server, receiver):
    server.deliver(private())
    server.deliver(private("Re: dinner", In_Reply_To="<other@example.org>"))
    server.deliver(bounce())

    poll = poll_mailbox(ready.pk)

    assert server.fetched() == ["3 (BODY.PEEK[]<0.1048576>)"]
    assert (poll.looked_at, len(receiver.mails)) == (3, 1)
    assert position() == (1000, 3)


@pytest.mark.parametrize(
    "fields",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Return_Path": "<>"},
        {"X_Failed_Recipients": "zoe@example.com"},
        {"Precedence": "auto_reply"},
        {"X_Autoreply": "yes"},
        {"Subject": "Automatische Antwort: news"},
        {"Content_Type": 'multipart/report; report-type="feedback-report"'},
        {"From": "postmaster@example.net"},
        {"From": "Abuse <abuse-reports@example.net>"},
        {"From": "fbl@example.net"},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_what_a_machine_wrote_is_looked_at(ready, server, receiver, fields):
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    server.deliver("\r\n".join([*lines, "", "text"]).encode())

    poll_mailbox(ready.pk)

    assert len(receiver.mails) == 1


@pytest.mark.parametrize(
    "fields",
    [{"Precedence": "bulk"}, {"Auto_Submitted": "no"}, {"List_Id": "<a.example.org>"}],
    ids=lambda fields: next(iter(fields)),
)
def test_other_peoples_newsletters_are_left_alone(ready, server, receiver, fields):
    server.deliver(private("news of others", **fields))

    poll_mailbox(ready.pk)

    assert receiver.mails == []


def test_a_mail_of_ours_that_came_to_the_mailbox_itself_is_taken_in(
    ready, server, receiver
):
    DeliveryFactory(message_id="<ours@example.com>")
    server.deliver(private("news", Message_ID="<ours@example.com>"))

    poll_mailbox(ready.pk)

    assert receiver.subjects == ["news"]


@pytest.mark.parametrize("header", ["In_Reply_To", "References"])
def test_an_answer_to_a_mail_of_ours_is_taken_in(ready, server, receiver, header):
    DeliveryFactory(message_id="<ours@example.com>")
    server.deliver(
        private("Re: news", **{header: "<x@example.org>\r\n <ours@example.com>"})
    )

    poll_mailbox(ready.pk)

    assert receiver.subjects == ["Re: news"]


def test_a_request_to_unsubscribe_is_taken_in(ready, server, receiver):
    subject = f"=?utf-8?q?Re=3A_unsubscribe_{'x' * 54}?="
    server.deliver(private(subject))

    poll_mailbox(ready.pk)

    assert receiver.subjects == [subject]


@pytest.mark.parametrize(
    "raw",
    [b"", b"\r\n", b"no header at all", b"\x00\xff\xfe: \r\n\r\n", b"Subject"],
    ids=["empty", "blank", "text", "bytes", "word"],
)
def test_a_mail_without_headers_is_passed_by(ready, server, receiver, raw):
    server.deliver(raw)
    server.deliver(bounce())

    assert poll_mailbox(ready.pk).kinds == {"bounce": 1}
    assert position() == (1000, 2)


@pytest.mark.parametrize(
    "value", ["=?utf-8?b?!!!?=", "=?no-such?q?x?=", "\xff\xfe", "=?utf-8?q?=FF?="]
)
def test_a_subject_that_cannot_be_read_is_no_request(ready, server, receiver, value):
    server.deliver(f"Subject: {value}\r\n\r\nbody".encode("latin-1"))

    assert poll_mailbox(ready.pk).state == "read"
    assert receiver.mails == []


def test_of_a_huge_mail_the_beginning_is_read(ready, server, receiver, set_massmail):
    set_massmail(MAILBOX_MAIL_BYTES=200_000)
    server.deliver(bounce(body="x" * 30_000_000))

    poll_mailbox(ready.pk)

    [raw] = receiver.mails
    assert len(raw) == 200_000
    assert raw.startswith(b"From: Mail Delivery System")


def test_a_mail_that_is_bigger_than_it_says_is_read_all_the_same(
    ready, server, receiver
):
    server.inbox.add(bounce(body="x" * 100_000), said_size=10)

    assert poll_mailbox(ready.pk).kinds == {"bounce": 1}


def test_a_mail_that_is_deleted_meanwhile_is_passed_by(ready, server, receiver):
    server.deliver(bounce("gone"))
    server.deliver(bounce("stays"))
    summaries = type(server).next_fault

    def delete_after_summary(self, command):
        if command == "FETCH HEADER":
            self.inbox.mails.pop(1, None)
        return summaries(self, command)

    server.next_fault = delete_after_summary.__get__(server)

    poll_mailbox(ready.pk)

    assert receiver.subjects == ["stays"]


# --- the first time, and anew


def test_the_first_look_at_an_unused_account_reads_nothing_old(
    account, server, receiver
):
    server.deliver(bounce("old"))

    poll_mailbox(account.pk)

    assert receiver.mails == []
    assert position() == (1000, 1)


def test_a_server_that_does_not_say_the_next_number_is_asked_for_the_last(
    account, server, receiver
):
    server.inbox.says_uid_next = False
    server.deliver(bounce("old"))

    poll_mailbox(account.pk)
    server.deliver(bounce("new"))
    poll_mailbox(account.pk)

    assert receiver.subjects == ["new"]


def test_the_first_look_goes_back_to_the_first_mail_of_the_last_days(
    account, server, receiver
):
    sent_lately(account, days=3)
    today = timezone.now().date()
    for days in (400, 20, 2, 0):
        server.deliver(bounce(f"{days} days"), today - days * DAY)

    poll_mailbox(account.pk)

    assert receiver.subjects == ["2 days", "0 days"]


def test_old_mail_that_is_moved_into_the_inbox_is_left_alone(ready, server, receiver):
    today = timezone.now().date()
    server.deliver(bounce("archive"), today - 400 * DAY)
    server.deliver(bounce("new"), today)

    poll_mailbox(ready.pk)

    assert receiver.subjects == ["new"]


def test_after_a_long_silence_the_mail_of_that_time_is_read(ready, server, receiver):
    today = timezone.now().date()
    MailboxFolder.objects.update(read_at=timezone.now() - 30 * DAY)
    server.deliver(bounce("years"), today - 400 * DAY)
    server.deliver(bounce("weeks"), today - 25 * DAY)

    poll_mailbox(ready.pk)

    assert receiver.subjects == ["weeks"]


def test_with_other_numbers_it_begins_anew_from_the_last_days(ready, server, receiver):
    today = timezone.now().date()
    for days in (300, 200, 0):
        server.deliver(bounce(f"{days} days"), today - days * DAY)
    poll_mailbox(ready.pk)
    receiver.mails.clear()
    server.inbox.renumber()
    server.deliver(bounce("new"))

    poll_mailbox(ready.pk)
    poll_mailbox(ready.pk)

    assert receiver.subjects == ["0 days", "new"]
    assert position() == (1001, 4)


def test_another_mailbox_with_the_same_numbers_is_read_from_its_beginning(
    ready, server, receiver
):
    sent_lately(ready, days=1)
    server.deliver(bounce("first"))
    poll_mailbox(ready.pk)
    ready.email_host_user, server.users["berta"] = "berta", "right horse"
    ready.save()

    poll_mailbox(ready.pk)

    assert receiver.subjects == ["first", "first"]


# --- folders


def test_the_folder_of_junk_is_read_by_its_special_use(account, server, receiver):
    junk = server.add_folder("Werbung", r"\HasNoChildren", r"\Junk")
    reads_from_now(account, server)
    junk.add(bounce("junk"))

    poll_mailbox(account.pk)

    assert receiver.subjects == ["junk"]
    assert position("Werbung") == (1000, 1)


@pytest.mark.parametrize(
    "name",
    ["Spam", "INBOX/Junk", "&BCEEPwQwBDw-", "Junk E-mail"],
    ids=["spam", "below", "utf-7", "spaces"],
)
def test_without_special_uses_it_is_found_by_its_name(account, server, receiver, name):
    junk = server.add_folder(name)
    server.add_folder("Spam/2020", r"\Noselect")
    reads_from_now(account, server)
    junk.add(bounce("junk"))

    poll_mailbox(account.pk)

    assert receiver.subjects == ["junk"]


@pytest.mark.parametrize("name", ["&broken", 'a "quoted" \\ name', "42", "&-&AOk-"])
def test_odd_names_of_folders_do_no_harm(account, server, receiver, name):
    junk = server.add_folder(name, r"\Junk")
    reads_from_now(account, server)
    junk.add(bounce("junk"))

    poll_mailbox(account.pk)

    assert receiver.subjects == ["junk"]


def test_junk_that_cannot_be_opened_leaves_the_inbox_to_be_read(
    account, server, receiver
):
    server.add_folder("Junk")
    reads_from_now(account, server)
    server.faults.append(Fault("EXAMINE Junk", reply="{tag} NO you may not"))
    server.deliver(bounce())

    poll = poll_mailbox(account.pk)

    assert (poll.state, poll.kinds) == ("read", {"bounce": 1})
    row = MailboxFolder.objects.get(name="Junk")
    assert row.last_error == "folder_refused: you may not"


def test_a_folder_that_is_gone_is_forgotten(account, server, receiver):
    server.add_folder("Junk")
    reads_from_now(account, server)
    del server.folders["Junk"]

    poll_mailbox(account.pk)

    assert [row.name for row in MailboxFolder.objects.all()] == ["INBOX"]


# --- killed, cut short, late


def test_a_mail_is_read_again_when_it_was_not_noted_as_taken_in(
    ready, server, receiver
):
    server.deliver(bounce("first"))
    server.deliver(bounce("second"))
    receiver.error = SystemExit()

    with pytest.raises(SystemExit):
        poll_mailbox(ready.pk)
    assert position() == (1000, 0)
    assert poll_mailbox(ready.pk).state == "busy"

    assert poll_mailbox(ready.pk, now=later(minutes=10)).kinds == {"bounce": 2}
    assert receiver.subjects == ["first", "first", "second"]


def test_while_the_database_is_away_the_position_stays(ready, server, receiver):
    server.deliver(bounce())
    receiver.error = OperationalError("away")

    with pytest.raises(OperationalError):
        poll_mailbox(ready.pk)

    assert position() == (1000, 0)


def test_a_line_that_breaks_inside_a_mail_loses_nothing(ready, server, receiver):
    server.deliver(bounce("first"))
    server.deliver(bounce("second", body="x" * 10_000))
    server.faults.append(Fault("FETCH BODY", cut=5_000, after=1, times=1))

    poll = poll_mailbox(ready.pk)
    assert (poll.state, poll.reason) == ("failed", "connection_lost")
    assert poll.kinds == Mailbox.objects.get().found == {"bounce": 1}
    assert position() == (1000, 1)

    poll_mailbox(ready.pk)
    assert receiver.subjects == ["first", "second"]


def test_when_the_time_is_up_the_next_look_goes_on(
    ready, server, receiver, set_massmail
):
    for number in range(120):
        server.deliver(private(str(number)))
    server.deliver(bounce("last"))
    set_massmail(MAILBOX_RUN_SECONDS=0.0)

    looked_at = [poll_mailbox(ready.pk).looked_at for _ in range(3)]

    assert (looked_at, receiver.subjects) == ([50, 50, 21], ["last"])
    assert server.verbs().count("UID FETCH") == 4


def test_however_slow_the_server_each_look_takes_a_mail_in(
    ready, server, receiver, set_massmail
):
    for name in ("first", "second", "third"):
        server.deliver(bounce(name))
    set_massmail(MAILBOX_RUN_SECONDS=0.0)

    taken = []
    for _ in range(3):
        poll_mailbox(ready.pk)
        taken.append(len(receiver.mails))

    assert taken == [1, 2, 3]


def test_a_mailbox_with_more_to_read_is_due_at_once(
    ready, server, receiver, set_massmail
):
    server.deliver(bounce())
    server.deliver(bounce())
    set_massmail(MAILBOX_RUN_SECONDS=0.0)

    poll = poll_mailbox(ready.pk)

    assert poll.next_at <= timezone.now()


def test_a_stop_ends_it_before_the_next_mail(ready, server, receiver):
    for number in range(5):
        server.deliver(bounce(str(number)))

    poll_mailbox(ready.pk, stop=lambda: len(receiver.mails) == 2)

    assert receiver.subjects == ["0", "1"]
    assert position() == (1000, 2)


def test_the_number_of_queries_does_not_grow_with_the_mails(
    ready, server, receiver, django_assert_max_num_queries
):
    for number in range(150):
        server.deliver(private(str(number), In_Reply_To=f"<{number}@example.org>"))

    with django_assert_max_num_queries(30):
        poll_mailbox(ready.pk)


def test_two_accounts_of_one_mailbox_read_it_each_for_itself(ready, server, receiver):
    other = account_at(server)
    reads_from_now(other, server)
    server.deliver(bounce())

    poll_mailbox(ready.pk)
    poll_mailbox(other.pk)

    assert receiver.accounts == [ready, other]


def test_a_mail_that_its_server_cannot_give_out_is_passed_by_in_the_end(
    ready, server, receiver
):
    for name in ("first", "broken", "last"):
        server.deliver(bounce(name))
    refused = type(server).next_fault

    def refuse(self, command):
        lines = [line for line in self.commands if "FETCH" in line]
        if command == "FETCH HEADER" and "2" in lines[-1].split(" ")[3].split(","):
            return Fault("FETCH", reply="{tag} NO [SERVERBUG] cannot open the mail")
        return refused(self, command)

    server.next_fault = refuse.__get__(server)

    states = [poll_mailbox(ready.pk).state for _ in range(4)]

    assert states == ["failed", "failed", "failed", "read"]
    assert receiver.subjects == ["first", "last"]
    assert position() == (1000, 3)


def test_a_body_that_cannot_be_fetched_does_not_hold_the_others(
    ready, server, receiver
):
    server.deliver(bounce("broken"))
    server.deliver(bounce("last"))
    server.faults.append(Fault("FETCH BODY", reply="{tag} NO no", times=4))

    states = [poll_mailbox(ready.pk).state for _ in range(4)]

    assert states == ["failed", "failed", "failed", "read"]
    assert receiver.subjects == ["last"]


@pytest.mark.parametrize("step", ["FETCH HEADER", "FETCH BODY"])
def test_a_server_that_gives_out_nothing_for_an_hour_costs_no_mail(
    ready, server, receiver, step
):
    for name in ("first", "second", "last"):
        server.deliver(bounce(name))
    server.faults.append(Fault(step, reply="{tag} NO [SERVERBUG] storage is away"))

    states = [poll_mailbox(ready.pk).state for _ in range(6)]
    server.faults.clear()
    poll_mailbox(ready.pk)

    assert states == ["failed"] * 6
    assert receiver.subjects == ["first", "second", "last"]
    assert position() == (1000, 3)


def test_the_only_mail_is_passed_by_after_a_day(ready, server, receiver):
    server.deliver(bounce("broken"))
    server.faults.append(Fault("FETCH BODY", reply="{tag} NO no"))
    Mailbox.objects.update(failures_in_a_row=29, reason="server_refused")

    states = [poll_mailbox(ready.pk).state for _ in range(2)]

    assert states == ["failed", "read"]
    assert position() == (1000, 1)


def test_a_mail_is_not_passed_by_for_failures_of_another_sort(ready, server, receiver):
    for name in ("first", "last"):
        server.deliver(bounce(name))
    server.faults.append(Fault("FETCH BODY", reply="{tag} NO later", times=1))
    Mailbox.objects.update(failures_in_a_row=4, reason="timed_out")

    states = [poll_mailbox(ready.pk).state for _ in range(2)]

    assert states == ["failed", "read"]
    assert receiver.subjects == ["first", "last"]
