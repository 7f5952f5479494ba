"""The main job where no script runs: a page tells as much as it knew when it came."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from settings.tests.browser import steps
from settings.tests.browser.visitor import Visitor, visiting

pytestmark = pytest.mark.browser


@pytest.fixture
def anna(chromium, site) -> Iterator[Visitor]:
    with visiting(chromium, site, java_script_enabled=False) as visitor:
        yield visitor


def test_a_mailing_is_made_launched_and_ended_without_scripts(anna):
    page = anna.page
    readers = anna.site.readers(2)
    steps.log_in(anna, "anna")
    steps.choose(anna, readers)
    steps.begin(anna, "Tasting in May", subject="{{ first_name }}, come and taste")
    page.get_by_role("button", name="Save and preview").click()
    expect(page.get_by_text("come and taste").first).to_be_visible()
    page.get_by_role("link", name="Back to the mailing").click()
    steps.launch(anna, 2)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("The mailing is paused.")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    anna.site.send_from_one_account()
    page.reload()
    steps.expect_number(page, 1, "sent")
    steps.expect_number(page, 1, "waiting")

    page.get_by_role("link", name="Cancel…").click()
    page.get_by_role("button", name="Cancel the mailing for good").click()
    expect(page.get_by_text("The mailing is cancelled.")).to_be_visible()
    assert anna.site.send() == 0
    steps.open_mail(anna, anna.site.mailing.deliveries.get(status="sent").address)
    steps.unsubscribe(anna)
