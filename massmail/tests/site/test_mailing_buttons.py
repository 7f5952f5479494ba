"""Pause, resume, cancel: one click each, with words for what did not work."""

from __future__ import annotations

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from massmail.models import MailingOut
from massmail.orchestrator import lifecycle
from massmail.recipients.access import AccessPolicy
from massmail.tests.factories import EmailAccountFactory, MailingOutFactory
from massmail.tests.mailings import draft, ready_settings, states
from massmail.tests.site.conftest import page

Status = MailingOut.Status


@pytest.fixture
def running(owner):
    ready_settings()
    EmailAccountFactory(owner=owner)
    return lifecycle.launch(draft(owner), by=owner)


@pytest.fixture
def preparing(owner):
    """Whose recipients are chosen, and none of them added yet."""
    return MailingOutFactory(owner=owner, prepared_at=None, selection={"chosen": 118})


def click(client, mailing, name):
    """The message that the next page shows."""
    response = client.post(page(mailing, name))
    assert response["Location"] == page(mailing)
    *_earlier, text = get_messages(response.wsgi_request)
    mailing.refresh_from_db()
    return str(text)


def test_a_mailing_is_paused_and_goes_on(browser, owner, running):
    client = browser(owner)

    assert "is paused" in click(client, running, "pause")
    assert running.status == Status.PAUSED
    assert "goes on" in click(client, running, "resume")
    assert running.status == Status.ACTIVE


def test_cancelling_is_asked_first(browser, owner, running):
    client = browser(owner)

    html = client.get(page(running, "cancel")).content.decode()

    assert "<strong>3</strong> recipients are still waiting" in html
    running.refresh_from_db()
    assert running.status == Status.ACTIVE


def test_cancelling_a_draft_says_what_that_means_for_a_draft(browser, owner):
    body = browser(owner).get(page(draft(owner), "cancel")).content.decode()

    assert "<strong>3</strong> recipients are still waiting" in body
    assert "Nothing has been sent yet." in body
    for untrue in ("have got the message", "on its way", "pause the mailing"):
        assert untrue not in body


def test_cancelling_a_mailing_that_is_being_prepared_counts_all_chosen(
    browser, owner, preparing
):
    body = browser(owner).get(page(preparing, "cancel")).content.decode()

    assert "<strong>118</strong> recipients are still waiting" in body


def test_cancelled_while_being_prepared_it_promises_no_launch(
    browser, owner, preparing
):
    client = browser(owner)
    click(client, preparing, "cancel")

    body = client.get(page(preparing)).content.decode()
    facts = client.get(page(preparing, "progress")).json()

    assert "It was cancelled while its recipients were still being added." in body
    assert facts["preparing"]["is_on"] is False
    assert facts["texts"]["chosen"] == "0"
    assert "Nobody is left out." not in body
    assert "118 more had been chosen: they are not mailed." in body


def test_while_it_is_being_prepared_nothing_is_called_done(browser, owner, preparing):
    body = browser(owner).get(page(preparing)).content.decode()

    assert "0 of 118 recipients are added." in body
    assert "Nothing is left to send." not in body
    assert "Nobody is left out." not in body


def test_a_cancelled_mailing_mails_nobody_any_more(browser, owner, running):
    assert "is cancelled" in click(browser(owner), running, "cancel")

    assert running.status == Status.INTERRUPTED
    assert states(running) == {"skipped": 3}


@pytest.mark.parametrize("name", ["pause", "resume"])
def test_a_get_changes_nothing(browser, owner, running, name):
    assert browser(owner).get(page(running, name)).status_code == 405
    running.refresh_from_db()
    assert running.status == Status.ACTIVE


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pause", "Only a mailing that is being sent can be paused."),
        ("cancel", "The mailing has ended already."),
    ],
)
def test_a_second_click_is_harmless(browser, owner, running, name, text):
    client = browser(owner)
    click(client, running, name)
    before = running.status, running.finished_at

    assert click(client, running, name) == text

    assert (running.status, running.finished_at) == before


def test_what_does_not_fit_is_said(browser, owner):
    done = MailingOutFactory(owner=owner, launched=True, status="D")
    client = browser(owner)

    assert click(client, done, "resume").startswith("Only a paused or stopped")
    assert click(client, done, "cancel") == "The mailing has ended already."
    response = client.get(page(done, "cancel"))
    assert response["Location"] == page(done)


def test_who_only_may_look_is_refused(browser, owner, colleague, running, monkeypatch):
    monkeypatch.setattr(AccessPolicy, "visible", lambda self, user, rows: rows)
    client = browser(colleague)

    for name in ("pause", "resume", "cancel", "launch"):
        assert click(client, running, name) == (
            "You may not do this with this mailing."
        )
    assert running.status == Status.ACTIVE


def test_a_form_of_another_site_is_refused(owner, running):
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner, "django.contrib.auth.backends.ModelBackend")

    for name in ("pause", "resume", "cancel", "launch"):
        assert client.post(page(running, name)).status_code == 403
    running.refresh_from_db()
    assert running.status == Status.ACTIVE
