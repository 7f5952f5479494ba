"""Other times for a mailing that is launched already."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from massmail.exceptions import NotAllowed, WrongState
from massmail.models import MailingOut
from massmail.orchestrator import lifecycle
from massmail.orchestrator.schedule import reschedule
from massmail.orchestrator.walk import walk_account_queues
from massmail.tests.factories import EmailAccountFactory
from massmail.tests.mailings import draft, ready_settings
from massmail.tests.site.conftest import page

DAY = dt.timedelta(days=1)


@pytest.fixture
def running(owner):
    ready_settings()
    EmailAccountFactory(owner=owner)
    return lifecycle.launch(draft(owner), by=owner)


def times(start: dt.datetime | None, end: dt.datetime | None) -> dict[str, str]:
    """As the browser's picker posts them."""
    return {
        name: timezone.localtime(moment).strftime("%Y-%m-%dT%H:%M") if moment else ""
        for name, moment in (("start_at", start), ("expires_at", end))
    }


def test_a_later_begin_holds_the_sender_until_then(browser, owner, running):
    now = timezone.now().replace(second=0, microsecond=0)
    assert walk_account_queues()

    response = browser(owner).post(
        page(running, "schedule"), times(now + DAY, now + 2 * DAY)
    )

    assert response["Location"] == page(running)
    running.refresh_from_db()
    assert (running.start_at, running.expires_at) == (now + DAY, now + 2 * DAY)
    assert walk_account_queues() == []
    assert walk_account_queues(now + DAY) != []


def test_a_scheduled_mailing_begins_at_once(browser, owner, running):
    MailingOut.objects.filter(pk=running.pk).update(start_at=timezone.now() + DAY)

    browser(owner).post(page(running, "schedule"), times(None, None))

    assert len(walk_account_queues()) == 1


def test_times_that_cannot_be_are_refused_on_the_page(browser, owner, running):
    now = timezone.now()

    html = (
        browser(owner)
        .post(page(running, "schedule"), times(now + 2 * DAY, now + DAY))
        .text
    )

    assert "It must end after it has begun." in html
    running.refresh_from_db()
    assert (running.start_at, running.expires_at) == (None, None)


@pytest.mark.parametrize("name", ["start_at", "expires_at"])
@pytest.mark.parametrize("year", ["9999", "2999"])
def test_a_mistyped_year_is_refused(browser, owner, running, name, year):
    data = times(None, None) | {name: f"{year}-12-31T23:59"}

    html = browser(owner).post(page(running, "schedule"), data).text

    assert "This is more than ten years away." in html
    running.refresh_from_db()
    assert (running.start_at, running.expires_at) == (None, None)


@pytest.mark.parametrize("state", ["a draft", "cancelled"])
def test_only_what_is_launched_and_open_can_be_rescheduled(browser, owner, state):
    ready_settings()
    EmailAccountFactory(owner=owner)
    mailing = draft(owner)
    if state == "cancelled":
        lifecycle.cancel(mailing, by=owner)
    later = timezone.now() + DAY

    response = browser(owner).post(page(mailing, "schedule"), times(later, None))

    assert response["Location"] == page(mailing)
    with pytest.raises(WrongState):
        reschedule(mailing, by=owner, start_at=later, expires_at=None)
    mailing.refresh_from_db()
    assert mailing.start_at is None


def test_a_stranger_changes_no_times(browser, owner, colleague, running):
    later = timezone.now() + DAY

    response = browser(colleague).post(page(running, "schedule"), times(later, None))

    # As for any page of an object that he does not see.
    assert response.status_code in (302, 404)
    with pytest.raises(NotAllowed):
        reschedule(running, by=colleague, start_at=later, expires_at=None)
    running.refresh_from_db()
    assert running.start_at is None
