"""The main job from the first click to the last, on each screen."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from massmail.models import Delivery
from settings.tests.browser import steps, writing
from settings.tests.browser.looks import DARK, DARK_PHONE, LAPTOP, PHONE
from settings.tests.browser.visitor import Visitor, visiting

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("look", [LAPTOP, DARK, PHONE, DARK_PHONE], ids=str)
def test_a_manager_mails_three_people_and_one_of_them_leaves(chromium, site, look):
    readers = site.readers(3)
    with visiting(chromium, site, look) as anna:
        steps.log_in(anna, "anna")
        steps.choose(anna, readers)
        steps.begin(anna, "Tasting in May", subject="{{ first_name }}, come and taste")
        write(anna, "A tasting that costs nothing")
        preview(anna, readers[1].first_name)
        steps.launch(anna, 3)
        watch(anna)
        read_and_leave(anna, readers[1].email)
        mail_again(anna, readers)

    assert received(site, readers) == [1, 1, 1]
    site.send()
    assert received(site, readers) == [2, 1, 2]


def write(anna: Visitor, heading: str) -> None:
    page = anna.page
    expect(page.get_by_text("Now write the message")).to_be_visible()
    text = page.get_by_role("textbox", name="The message")
    text.get_by_role("heading").click(click_count=3)
    writing.settle(page)
    page.keyboard.type(heading)
    anna.look_around()
    page.get_by_role("button", name="Save and preview").click()


def preview(anna: Visitor, first_name: str) -> None:
    """As another recipient, and back to the mailing."""
    page = anna.page
    page.get_by_label("Name or address").fill(first_name)
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text(f"{first_name}, come and taste")).to_be_visible()
    mail = page.frame_locator("iframe")
    expect(mail.get_by_text("A tasting that costs nothing")).to_be_visible()
    expect(mail.get_by_text(f"Dear {first_name}")).to_be_visible()
    anna.look_around()
    page.get_by_role("link", name="Back to the mailing").click()
    expect(page.get_by_role("heading", name="Tasting in May")).to_be_visible()
    anna.look_around()


def watch(anna: Visitor) -> None:
    """The open page follows what the sender does."""
    page = anna.page
    steps.expect_number(page, 3, "waiting")
    first = anna.site.send_from_one_account()
    steps.expect_number(page, first, "sent")
    anna.site.send()
    steps.expect_number(page, 3, "sent")
    steps.expect_number(page, 0, "waiting")
    expect(page.get_by_text("done", exact=True)).to_be_visible()
    anna.look_around()


def read_and_leave(anna: Visitor, address: str) -> None:
    steps.open_mail(anna, address)
    steps.unsubscribe(anna)


def mail_again(anna: Visitor, readers: list) -> None:
    """The same people and the same message: who left is left out."""
    page = anna.page
    steps.choose(anna, readers)
    steps.begin(anna, "Tasting in June")
    steps.expect_number(page, 1, "not mailed")
    expect(page.get_by_role("link", name="opted out")).to_be_visible()
    steps.launch(anna, 2)
    page.get_by_role("link", name="opted out").click()
    expect(page.get_by_role("row", name=readers[1].email)).to_be_visible()
    anna.look_around()
    left_out = Delivery.objects.get(mailing=anna.site.mailing, status="skipped")
    assert (left_out.address, left_out.reason) == (readers[1].email, "opted_out")


def received(site, readers: list) -> list[int]:
    """How many mails each of them has got."""
    return [site.mails.count(reader.email) for reader in readers]
