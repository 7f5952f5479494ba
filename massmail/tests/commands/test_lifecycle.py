"""The same as the buttons, with the same checks."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry

from massmail.models import EmlMessage, MailingOut
from massmail.tests.factories import EmailAccountFactory, UserFactory
from massmail.tests.mailings import draft, ready_settings

pytestmark = pytest.mark.django_db


@pytest.fixture
def mailing():
    ready_settings()
    owner = UserFactory(username="anna")
    EmailAccountFactory(owner=owner)
    return draft(owner)


def test_a_mailing_through_its_life(manage, mailing):
    for command, status, word in [
        ("launch", "A", "launched"),
        ("pause", "P", "paused"),
        ("resume", "A", "resumed"),
        ("cancel", "I", "cancelled"),
    ]:
        ended = manage(f"{command}_mailing", mailing.pk, "--by", "anna")

        assert (ended.code, ended.stdout) == (0, f"Mailing {mailing.pk} {word}.\n")
        mailing.refresh_from_db()
        assert mailing.status == status
    assert LogEntry.objects.count() == 4


@pytest.mark.parametrize("command", ["launch", "pause", "resume", "cancel"])
@pytest.mark.parametrize("who", ["stranger", "nobody"])
def test_who_may_not_is_refused(manage, mailing, command, who):
    UserFactory(username="stranger")

    ended = manage(f"{command}_mailing", mailing.pk, "--by", who)

    assert ended.code == 1
    assert (
        ended.stderr
        == {
            "stranger": "You may not do this with this mailing.",
            "nobody": "There is no user nobody.",
        }[who]
    )
    mailing.refresh_from_db()
    assert mailing.is_draft


@pytest.mark.parametrize("command", ["launch", "pause", "resume", "cancel"])
def test_an_unknown_mailing_is_an_error(manage, mailing, command):
    ended = manage(f"{command}_mailing", mailing.pk + 1, "--by", "anna")

    assert ended.code == 1
    assert ended.stderr == f"There is no mailing {mailing.pk + 1}."


def test_a_wrong_state_is_an_error(manage, mailing):
    ended = manage("pause_mailing", mailing.pk, "--by", "anna")

    assert (ended.code, ended.stdout) == (1, "")
    assert MailingOut.objects.get().is_draft


def test_what_preflight_finds_is_told(manage, mailing):
    EmlMessage.objects.update(content="<p>Hello</p>")

    ended = manage("launch_mailing", mailing.pk, "--by", "anna")

    assert ended.code == 1
    assert "unsubscribe_url" in ended.stderr
    assert "postal_address" in ended.stderr


@pytest.mark.parametrize("arguments", [["x", "--by", "anna"], ["1"], []])
def test_arguments_are_checked(manage, mailing, arguments):
    assert manage("launch_mailing", *arguments).code == 1
    assert MailingOut.objects.get().is_draft
