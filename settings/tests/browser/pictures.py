"""The pictures of the user guide, made anew by `make screenshots`.

Explicitly named, pytest collects this file; the suite does not.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine
from django.conf import settings
from PIL import Image
from playwright.sync_api import Page, expect

from crm.models import Contact
from massmail.models import EmlMessage
from massmail.orchestrator.send import send_account_queue
from massmail.orchestrator.walk import walk_account_queues
from settings.tests.browser import steps, writing
from settings.tests.browser.demo_site import DemoSite
from settings.tests.browser.looks import PHONE, Look
from settings.tests.browser.visitor import Visitor, visiting

FOLDER = Path(settings.BASE_DIR) / "docs" / "pictures"
# Pictures of two days differ in what has changed, not in their dates.
MORNING = dt.datetime(2026, 5, 5, 9, 30, tzinfo=dt.UTC)
DESK = Look("desk", 1100, 700)
# Screens have few colours, and a picture with few colours is small.
COLOURS = 128
# A mail in its sandboxed frame has no storage.
CLOSED_SIDEBAR = """
if (window.origin !== "null") {
  localStorage.setItem("django.admin.navSidebarIsOpen", "false");
}
"""


@pytest.fixture(autouse=True)
def morning() -> Iterator[None]:
    with time_machine.travel(MORNING):
        yield


@pytest.fixture
def desk(chromium, site) -> Iterator[Visitor]:
    with visiting(chromium, site, DESK) as visitor:
        visitor.page.add_init_script(CLOSED_SIDEBAR)
        yield visitor


def test_the_way_of_a_mailing(desk):
    page, site = desk.page, desk.site
    # Who proves that names are escaped is no model for a guide.
    Contact.objects.filter(first_name__startswith="<").update(first_name="Ayşe")
    steps.log_in(desk, "anna")
    write(desk)
    launch_the_newsletter(desk)
    watch(page, site)
    page.get_by_role("link", name="8 not mailed").click()
    expect(page.get_by_role("heading", name="Recipients of")).to_be_visible()
    take(page, "recipients")
    site.send()
    desk.open("/massmail/mailingout/")
    expect(page.get_by_text("110 sent")).to_be_visible()
    take(page, "mailings")


def test_the_page_to_unsubscribe(chromium, site):
    with visiting(chromium, site, PHONE) as reader:
        reader.log_in_as(site.anna)
        contact = site.readers(1)[0]
        reader.open("/crm/contact/")
        steps.choose(reader, [contact])
        steps.begin(reader, "The spring letter")
        steps.launch(reader, 1)
        site.send()
        steps.open_mail(reader, contact.email)
        with reader.page.context.expect_page() as opened:
            mail = reader.page.frame_locator("iframe")
            mail.get_by_role("link", name="Unsubscribe").click()
        expect(opened.value.get_by_text("Nothing has changed yet.")).to_be_visible()
        take(opened.value, "unsubscribe")


def write(desk: Visitor) -> None:
    page, readers = desk.page, desk.site.readers(6)
    steps.open_contacts(desk)
    steps.tick(page, readers)
    page.get_by_label("Action:").select_option(steps.CREATE)
    take(page, "choose")
    page.get_by_role("button", name="Go").click()
    page.get_by_label("Write a new one").check()
    page.get_by_label("Subject").fill("{{ first_name }}, come and taste")
    page.get_by_label("Name", exact=False).first.fill("Tasting in May")
    take(page, "create")
    page.get_by_role("button", name="Create the mailing").click()
    expect(page.get_by_text("Now write the message")).to_be_visible()
    # The editor is there, too; the guide shows it with a letter that is written.
    expect(writing.visual(page)).to_be_visible()
    harvest = EmlMessage.objects.get(subject__contains="harvest")
    writing.open_editor(desk, f"/massmail/emlmessage/{harvest.pk}/change/")
    expect(writing.preview(page).get_by_text("Larkfield").first).to_be_visible()
    take(page, "write")


def launch_the_newsletter(desk: Visitor) -> None:
    """To everybody on the list."""
    page = desk.page
    steps.open_contacts(desk)
    page.locator("#action-toggle").click()
    page.get_by_role("button", name="Select all").click()
    steps.act(page, steps.CREATE)
    harvest = EmlMessage.objects.get(subject__contains="harvest")
    page.locator("select[name=message]").select_option(str(harvest.pk))
    steps.begin(desk, "The spring letter")
    page.get_by_role("link", name="Preview").click()
    expect(page.frame_locator("iframe").get_by_text("Larkfield").first).to_be_visible()
    take(page, "preview")
    page.get_by_role("link", name="Back to the mailing").click()
    page.get_by_role("link", name="Launch…").click()
    button = page.get_by_role("button", name="Launch to")
    button.wait_for()
    take(page, "launch", full=True)
    button.click()


def watch(page: Page, site: DemoSite) -> None:
    """When a half is sent."""
    expect(page.get_by_text("Launched: 110")).to_be_visible()
    for account_id in walk_account_queues()[:2]:
        send_account_queue(account_id)
    page.goto(page.url)
    expect(page.get_by_text("It is being sent.")).to_be_visible()
    take(page, "mailing", full=True)


def take(page: Page, name: str, *, full: bool = False) -> None:
    """Into the guide's folder."""
    png = page.screenshot(full_page=full, animations="disabled")
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    small = picture.quantize(COLOURS, dither=Image.Dither.NONE)
    small.save(FOLDER / f"{name}.png", optimize=True)
