"""The note above a faulty form leads to each of the fields, also far below it."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from playwright.sync_api import Page, expect

from crm.models import Contact
from massmail.audience.snapshot import create_mailing
from massmail.models import EmlMessage
from settings.tests.browser.looks import DARK_PHONE, PHONE
from settings.tests.browser.visitor import visiting

pytestmark = pytest.mark.browser


def submit_unchecked(page: Page, button: str) -> None:
    """By the server alone, not by the browser before it."""
    page.locator("form").evaluate_all(
        "forms => forms.forEach(f => f.noValidate = true)"
    )
    page.get_by_role("button", name=button).first.click()


@pytest.mark.parametrize("look", [PHONE, DARK_PHONE], ids=str)
def test_a_launch_that_begins_too_early(chromium, site, look):
    chosen = Contact.objects.filter(pk__in=[one.pk for one in site.readers(3)])
    message = EmlMessage.objects.get(subject__contains="harvest")
    mailing = create_mailing(owner=site.anna, message=message, recipients=chosen)
    with visiting(chromium, site, look) as anna:
        anna.log_in_as(site.anna)
        anna.open(f"/massmail/mailingout/{mailing.pk}/launch/")
        page = anna.page
        page.get_by_label("Begin").fill("2020-01-01T10:00")
        submit_unchecked(page, "Launch to 3 recipients")
        anna.look_around()
        note = page.get_by_role("alert")
        expect(note).to_be_in_viewport()
        expect(note.get_by_text("Begin: This is in the past.")).to_be_visible()
        expect(page.get_by_label("Begin")).not_to_be_in_viewport()
        note.get_by_role("link", name="Begin").press("Enter")
        expect(page.get_by_label("Begin")).to_be_in_viewport()
        expect(page.get_by_label("Begin")).to_be_focused()


def test_settings_without_business_days(chromium, site):
    """A group of choices is named by its own label."""
    with visiting(chromium, site, PHONE) as robin:
        robin.log_in_as(get_user_model()._default_manager.get(username="admin"))
        robin.open("/settings/massmailsettings/1/change/")
        page = robin.page
        for day in page.get_by_role("checkbox", name="day").all():
            day.uncheck()
        submit_unchecked(page, "Save")
        robin.look_around()
        link = page.locator(".errornote").get_by_role("link", name="Business days")
        link.click()
        expect(page.get_by_text("Monday")).to_be_in_viewport()


def test_a_file_in_a_table_of_files(chromium, site):
    """A field in a table is named by its column; the others are named all the same."""
    with visiting(chromium, site, PHONE) as anna:
        anna.log_in_as(site.anna)
        anna.open("/massmail/emlmessage/add/")
        page = anna.page
        page.get_by_role("button", name="Add another Attachment").click()
        program = {"name": "run.exe", "mimeType": "text/plain", "buffer": b"MZ"}
        page.locator("#id_attachments-0-file").set_input_files([program])
        submit_unchecked(page, "Save")
        note = page.locator(".errornote")
        expect(note.get_by_role("link", name="Subject")).to_be_visible()
        expect(note.get_by_role("link", name="File")).to_be_visible()
