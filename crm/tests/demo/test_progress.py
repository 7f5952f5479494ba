"""Watching a mailing, and the summary."""

from __future__ import annotations

import io
import sys
from unittest.mock import Mock

import pytest

from crm.demo.catcher.store import MailReader, MailWriter
from crm.demo.progress import Progress, watch
from crm.demo.summary import differences, summarize
from crm.management.commands import demo
from massmail.models import Delivery, MailingOut
from massmail.tests.factories import DeliveryFactory, MailingOutFactory


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def writer(tmp_path):
    writer = MailWriter(tmp_path)
    yield writer
    writer.close()


@pytest.fixture
def reader(tmp_path):
    return MailReader(tmp_path)


def catch(writer, message_id):
    writer.add(sender="", recipient="", message_id=message_id, subject="", raw=b"")


def sent(message_id, **values):
    return DeliveryFactory(status="sent", message_id=message_id, **values)


def test_a_terminal_gets_a_bar():
    stream = Terminal()
    progress = Progress(stream, 10)

    progress.show(5)
    progress.close()

    assert stream.getvalue() == "\r  " + "█" * 20 + "░" * 20 + " 5/10 \n"


def test_the_command_leaves_the_bar_on_its_line(monkeypatch, tmp_path, settings):
    settings.DEMO_CATCHER_DIR = tmp_path
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(demo, "watch", lambda _mailing, bar, _check: bar.show(5))
    summary = Mock(**{"lines.return_value": [], "problems": []})
    monkeypatch.setattr(demo, "summarize", lambda _mailing, _reader: summary)

    command = demo.Command(stdout=io.StringIO())
    command.smtp_port = 25
    command.follow(Mock(recipients_count=10), Mock())

    assert terminal.getvalue() == "\r  " + "█" * 20 + "░" * 20 + " 5/10 "


def test_elsewhere_a_line_now_and_then_is_enough():
    stream = io.StringIO()
    progress = Progress(stream, 10)

    progress.show(5)
    progress.show(6)
    progress.close()

    assert stream.getvalue() == "  5 of 10\n"


@pytest.mark.django_db
def test_watching_ends_with_the_mailing():
    mailing = MailingOutFactory(status=MailingOut.Status.DONE)

    assert watch(mailing, Progress(io.StringIO(), 1), lambda: None) == ""


@pytest.mark.django_db
def test_watching_a_mailing_that_stands_still_ends_with_its_reason():
    delivery = DeliveryFactory(mailing__status=MailingOut.Status.ACTIVE)

    reason = watch(
        delivery.mailing, Progress(io.StringIO(), 1), lambda: None, patience=0
    )

    assert reason


@pytest.mark.django_db
def test_equal_ledger_and_catcher_differ_in_nothing(writer, reader):
    sent("<1@x>")
    DeliveryFactory(status="failed", reason="refused", message_id="<2@x>")
    catch(writer, "<1@x>")

    assert list(differences(Delivery.objects.filter(status="sent"), reader)) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("caught", "found"),
    [
        ([], ["1 sent mails are not in the catcher", "holds 0 mails, 1 were sent"]),
        (["<1@x>"] * 2, ["1 mails came more than once", "holds 2 mails, 1 were sent"]),
        (["<1@x>", "<9@x>"], ["holds 2 mails, 1 were sent"]),
        (["<9@x>"], ["1 sent mails are not in the catcher"]),
    ],
)
def test_each_difference_is_named(writer, reader, caught, found):
    sent("<1@x>")
    for message_id in caught:
        catch(writer, message_id)

    problems = list(differences(Delivery.objects.filter(status="sent"), reader))

    assert len(problems) == len(found)
    for problem, words in zip(problems, found, strict=True):
        assert words in problem


@pytest.mark.django_db
def test_the_summary_tells_what_is_not_final(reader):
    delivery = DeliveryFactory()
    MailingOut.objects.update(recipients_count=2)

    summary = summarize(delivery.mailing, reader)

    assert summary.problems == [
        "2 recipients, 1 rows",
        "1 recipients are not final: waiting",
        "Ledger: rows_lost, 1 rows",
    ]
    assert summary.messages_per_second == 0


@pytest.mark.django_db
def test_the_summary_counts_reasons_and_accounts(reader):
    delivery = DeliveryFactory(status="skipped", reason="opted_out")
    MailingOut.objects.update(recipients_count=1)

    lines = list(summarize(delivery.mailing, reader).lines())

    assert [line.split() for line in lines][:4] == [
        ["Recipients", "1"],
        ["sent", "0"],
        ["skipped", "1"],
        ["opted", "out", "1"],
    ]
