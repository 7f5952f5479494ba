"""A message changed on its way: new text for who waits, the old one for who got it."""

from __future__ import annotations

import email
from email import policy

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection

from massmail.exceptions import LaunchRefused, NotAllowed, WrongState
from massmail.models import (
    Delivery,
    EmlMessage,
    MessageVersion,
    TrackedLink,
)
from massmail.orchestrator.lifecycle import cancel, pause
from massmail.orchestrator.revising import outdated_mailings, revise, revise_all
from massmail.reports.responses import responses_of
from massmail.tests.factories import SuperuserFactory, UserFactory
from massmail.tests.mailings import launched, row_of, send_all, states
from massmail.tests.smtp_faults import Fault
from massmail.tests.smtp_server import FaultServer

pytestmark = pytest.mark.django_db


def edit(mailing, **fields) -> EmlMessage:
    EmlMessage.objects.filter(pk=mailing.message_id).update(**fields)
    mailing.refresh_from_db()
    return EmlMessage.objects.get(pk=mailing.message_id)


def subjects(server) -> dict[str, str]:
    return {
        each.rcpt: email.message_from_bytes(each.content, policy=policy.default)[
            "Subject"
        ]
        for each in server.accepted
    }


def outdated(message, by=None):
    return [
        (each.mailing, each.waiting)
        for each in outdated_mailings(message, by=by or message.owner)
    ]


def test_who_waits_gets_the_new_text_and_who_was_tried_keeps_the_old_one():
    fault = Fault("rcpt", to="customer0@*", reply="451 4.7.1 greylisted", times=1)
    with FaultServer(faults=[fault]) as server:
        mailing = launched(server, customers=3, per_day=2)
        send_all()
        message = edit(mailing, subject="Corrected")
        revise(mailing, by=mailing.owner)
        mailing.refresh_from_db()
        mailing.owner.massmail_emailaccount_set.update(per_day=100)
        Delivery.objects.update(not_before=mailing.launched_at)
        send_all()
        got = subjects(server)

    assert got["customer2@example.com"] == "Corrected"
    assert got["customer1@example.com"] == "News for Customer 1"
    assert got["customer0@example.com"] == "News for Customer 0"
    assert states(mailing) == {"sent": 3}
    assert mailing.version.subject == "Corrected"
    assert row_of(mailing, "customer1@example.com").version.subject != "Corrected"
    assert message.versions.count() == 2


def test_nothing_is_outdated_before_an_edit_or_after_a_revision():
    with FaultServer() as server:
        mailing = launched(server)
    assert outdated(mailing.message) == []

    message = edit(mailing, preheader="New")
    assert outdated(message) == [(mailing, 3)]
    revise(mailing, by=mailing.owner)

    assert outdated(message) == []


def test_only_mailings_that_the_person_may_launch_are_asked_about():
    with FaultServer() as server:
        mailing = launched(server)
    message = edit(mailing, subject="New")

    assert outdated(message, by=UserFactory()) == []


def test_drafts_and_ended_mailings_are_none_of_it():
    with FaultServer() as server:
        mailing = launched(server)
        message = edit(mailing, subject="New")
        cancel(mailing, by=mailing.owner)

    assert outdated(message) == []
    with pytest.raises(WrongState):
        revise(mailing, by=mailing.owner)


def test_a_paused_mailing_can_be_corrected():
    with FaultServer() as server:
        mailing = launched(server)
    pause(mailing, by=mailing.owner)
    message = edit(mailing, subject="New")

    assert outdated(message) == [(mailing, 3)]
    revise(mailing, by=mailing.owner)

    assert mailing.version.subject == "New"
    assert mailing.status == "P"


@pytest.mark.parametrize(
    ("fields", "by_owner", "error"),
    [
        ({"content": "<p>No link</p>"}, True, LaunchRefused),
        ({"content": "<p>{% load x %}</p>"}, True, LaunchRefused),
        ({"subject": "New"}, False, NotAllowed),
    ],
)
def test_a_refusal_changes_nothing(fields, by_owner, error):
    with FaultServer() as server:
        mailing = launched(server)
    edit(mailing, **fields)
    version = mailing.version

    with pytest.raises(error):
        revise(mailing, by=mailing.owner if by_owner else UserFactory())

    mailing.refresh_from_db()
    assert mailing.version == version
    assert MessageVersion.objects.count() == 1


def test_it_is_logged_for_the_mailing_and_for_the_message():
    with FaultServer() as server:
        mailing = launched(server)
    edit(mailing, subject="New")
    LogEntry.objects.all().delete()

    revise(mailing, by=mailing.owner)

    words = LogEntry.objects.order_by("pk").values_list("change_message", flat=True)
    assert list(words) == [
        "message changed for 3 waiting",
        f"given to 3 waiting of mailing {mailing.pk}",
    ]


def test_all_or_none():
    with FaultServer() as server:
        mailing = launched(server)
    message = edit(mailing, subject="New")

    with pytest.raises(NotAllowed):
        revise_all(message, {mailing.pk, mailing.pk + 999}, by=mailing.owner)

    mailing.refresh_from_db()
    assert mailing.version.subject != "New"
    assert revise_all(message, {mailing.pk}, by=mailing.owner) == [mailing]


def test_a_correction_is_tracked_as_was_decided_at_the_launch():
    with FaultServer() as server:
        mailing = launched(server)
    first = mailing.version
    MessageVersion.objects.update(tracks_opens=True, tracks_clicks=True, utm="u=1")
    link = TrackedLink.objects.create(
        version=first, position=0, url="https://a.example"
    )
    row = mailing.deliveries.first()
    Delivery.objects.filter(pk=row.pk).update(version=first, attempts=1)
    edit(mailing, subject="New")

    version = revise(mailing, by=mailing.owner)

    assert version != first
    assert (version.tracks_opens, version.tracks_clicks) == (True, True)
    assert version.utm == "u=1"
    assert link in {found.link for found in responses_of(mailing).links}


def test_a_reason_given_at_the_launch_passes_nothing_that_came_later():
    with FaultServer() as server:
        mailing = launched(server)
    type(mailing).objects.update(override_reason="We know.")
    chief = SuperuserFactory()
    edit(mailing, content=mailing.message.content + "{Person.firstName}")

    with pytest.raises(LaunchRefused):
        revise(mailing, by=chief)


def test_the_dns_is_not_asked_within_a_transaction(monkeypatch):
    with FaultServer() as server:
        mailing = launched(server)
    message = edit(mailing, subject="New")
    depth = len(connection.savepoint_ids)
    asked = []
    monkeypatch.setattr(
        "massmail.orchestrator.revising.check_launch",
        lambda *args, **kwargs: asked.append(len(connection.savepoint_ids)),
    )

    revise_all(message, {mailing.pk}, by=mailing.owner)

    assert asked == [depth]
