"""How a mailing stands, for people and for scripts."""

from __future__ import annotations

import pytest

from massmail.models import MailingOut
from massmail.tests.factories import NOW, DeliveryFactory, MailingOutFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def mailing():
    mailing = MailingOutFactory(launched=True, name="Früh­ling", recipients_count=3)
    DeliveryFactory(mailing=mailing, status="sent", address="a@bücher.de")
    DeliveryFactory(mailing=mailing, name='Ann "A." \\ Smith')
    DeliveryFactory(mailing=mailing, status="skipped", reason="opted_out")
    return mailing


def test_json_has_counts_the_reason_and_the_next_time(manage, mailing):
    ended = manage("mailing_status", mailing.pk, "--json")

    status = ended.json
    assert (status["id"], status["name"], status["status"]) == (
        mailing.pk,
        "Früh­ling",
        "A",
    )
    assert status["counts"] == mailing.counts()
    assert status["skipped"] == {"opted_out": 1}
    assert status["reason"] == "The remaining recipients are tried again later."
    assert status["next_at"] == NOW.isoformat()
    assert "recipients" not in status


def test_json_without_a_next_time_has_null(manage, mailing):
    MailingOut.objects.update(status="P")

    status = manage("mailing_status", mailing.pk, "--json").json

    assert status["reason"] == "It was paused; it goes on when it is resumed."
    assert status["next_at"] is None


def test_recipients_are_a_list_in_the_same_object(manage, mailing):
    status = manage("mailing_status", mailing.pk, "--json", "--recipients").json

    assert [row["status"] for row in status["recipients"]] == [
        "sent",
        "queued",
        "skipped",
    ]
    assert status["recipients"][0]["address"] == "a@bücher.de"
    assert status["recipients"][1]["name"] == 'Ann "A." \\ Smith'
    assert status["recipients"][2]["reason"] == "opted_out"
    assert status["counts"] == mailing.counts()


def test_a_mailing_without_recipients_has_an_empty_list(manage):
    mailing = MailingOutFactory()

    status = manage("mailing_status", mailing.pk, "--json", "--recipients").json

    assert status["recipients"] == []


def test_recipients_are_written_as_they_are_read(manage, mailing, monkeypatch):
    """However many there are, no list of them is made."""
    seen = []

    def stream(asked):
        for number in range(3):
            seen.append(number)
            yield {"address": f"{number}@example.com"}

    monkeypatch.setattr(
        "massmail.management.commands.mailing_status.recipients", stream
    )
    status = manage("mailing_status", mailing.pk, "--json", "--recipients").json

    assert seen == [0, 1, 2]
    assert len(status["recipients"]) == 3


def test_people_get_lines(manage, mailing):
    MailingOut.objects.update(status="P")
    lines = manage("mailing_status", mailing.pk, "--recipients").stdout.splitlines()

    assert lines[:2] == [
        "Früh­ling: paused",
        "It was paused; it goes on when it is resumed.",
    ]
    assert "    queued 1" in lines
    assert "a@bücher.de\tsent\t" in lines


def test_an_unknown_mailing_ends_with_an_error(manage):
    ended = manage("mailing_status", 4711, "--json")

    assert (ended.code, ended.stdout) == (1, "")
    assert ended.stderr == "There is no mailing 4711."
