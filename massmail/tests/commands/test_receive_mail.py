"""The pipe for mail servers."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from massmail.management.commands import receive_mail
from massmail.tests.architecture import PROJECT
from massmail.tests.factories import EmailAccountFactory
from massmail.tests.inbound.returned import sample, sent_mail


@pytest.fixture
def pipe(monkeypatch, capsys):
    """Hands a mail in; returns what is printed."""

    def hand_in(raw, *arguments):
        stdin = SimpleNamespace(buffer=io.BytesIO(raw))
        monkeypatch.setattr(sys, "stdin", stdin)
        call_command("receive_mail", *arguments)
        assert stdin.buffer.read() == b""
        return json.loads(capsys.readouterr().out)

    return hand_in


@pytest.mark.django_db
def test_it_says_what_the_mail_was(pipe):
    delivery = sent_mail()
    raw = sample("postfix_unknown_user", delivery)

    first, again = pipe(raw), pipe(raw)

    expected = {"kind": "bounce", "delivery_ids": [delivery.pk], "detail": ""}
    assert first == expected | {"is_news": True}
    assert again == expected | {"is_news": False}


@pytest.mark.django_db
def test_what_is_unknown_is_no_failure(pipe):
    assert pipe(b"\xff\x00")["kind"] == "unknown"


@pytest.mark.django_db
def test_the_rest_of_a_mail_that_is_too_big_is_read_from_the_pipe(pipe, monkeypatch):
    monkeypatch.setattr(receive_mail, "MOST_BYTES", 10)

    assert pipe(b"x" * 3 * 2**20)["kind"] == "unknown"


@pytest.mark.django_db
def test_the_mailbox_in_which_it_was_found_can_be_named(pipe):
    sent_mail()
    account = EmailAccountFactory(from_email="zoe@example.org")

    found = pipe(sample("apple_mail_reply"), "--account", str(account.pk))

    assert found["detail"] == "written by the sender himself"


@pytest.mark.django_db
def test_an_unknown_account_costs_no_mail(pipe):
    with pytest.raises(CommandError, match="There is no email account 7") as caught:
        pipe(b"x", "--account", "7")

    assert caught.value.returncode == os.EX_TEMPFAIL


def test_a_database_that_is_away_costs_no_mail(pipe, monkeypatch):
    def fail(raw, **facts):
        raise OperationalError("gone")

    monkeypatch.setattr(receive_mail, "receive", fail)

    with pytest.raises(CommandError, match="gone") as caught:
        pipe(b"x")

    assert caught.value.returncode == os.EX_TEMPFAIL


def test_a_mail_server_sees_75_when_the_database_is_away():
    nowhere = {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing"}

    ended = subprocess.run(
        [sys.executable, "manage.py", "receive_mail"],
        input=sample("postfix_unknown_user"),
        cwd=PROJECT,
        env=os.environ | nowhere,
        capture_output=True,
        check=False,
    )

    assert ended.returncode == 75
    assert ended.stdout == b""
    assert b"The database does not answer" in ended.stderr
