"""The main job, step by step, as a person finds the way: by what is written there."""

from __future__ import annotations

from collections.abc import Iterable

from playwright.sync_api import Page, expect

from crm.demo.staff import PASSWORD
from crm.models import Contact
from settings.tests.browser.visitor import Visitor

CREATE = "Create a mailing for the selected contacts"


def log_in(visitor: Visitor, username: str) -> None:
    page = visitor.page
    visitor.open("/")
    page.get_by_label("Username:").fill(username)
    page.get_by_label("Password:").fill(PASSWORD)
    visitor.look_around()
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    visitor.look_around()


def open_contacts(visitor: Visitor) -> None:
    """From the home page."""
    visitor.open("/")
    visitor.page.get_by_role("link", name="Contacts", exact=True).click()


def tick(page: Page, contacts: Iterable[Contact]) -> None:
    for contact in contacts:
        name = f"Select this object for an action - {contact}"
        page.get_by_role("checkbox", name=name, exact=True).check()


def act(page: Page, action: str) -> None:
    page.get_by_label("Action:").select_option(action)
    page.get_by_role("button", name="Go").click()


def choose(visitor: Visitor, contacts: Iterable[Contact]) -> None:
    """As far as the page that asks for name and message."""
    open_contacts(visitor)
    tick(visitor.page, contacts)
    visitor.look_around()
    act(visitor.page, CREATE)
    expect(visitor.page.get_by_role("heading", name="Create a mailing")).to_be_visible()


def begin(visitor: Visitor, name: str, *, subject: str = "") -> None:
    """With a new message if there is a subject, otherwise with the latest one."""
    page = visitor.page
    page.get_by_label("Name", exact=False).first.fill(name)
    if subject:
        page.get_by_label("Write a new one").check()
        page.get_by_label("Subject").fill(subject)
    visitor.look_around()
    page.get_by_role("button", name="Create the mailing").click()


def launch(visitor: Visitor, count: int) -> None:
    """From the mailing's page to the mailing's page."""
    page = visitor.page
    page.get_by_role("link", name="Launch…").click()
    expect(page.get_by_role("heading", name="Launch the mailing")).to_be_visible()
    visitor.look_around()
    page.get_by_role("button", name=f"Launch to {count} recipient").click()
    expect(page.get_by_text(f"Launched: {count} recipient")).to_be_visible()


def expect_number(page: Page, count: int, word: str) -> None:
    """In the head of a mailing's page."""
    expect(page.get_by_role("link", name=f"{count} {word}", exact=True)).to_be_visible()


def open_mail(visitor: Visitor, address: str) -> None:
    """The latest one to that address, in the catcher."""
    page = visitor.page
    visitor.open("/")
    page.get_by_role("link", name="Caught mail").click()
    page.get_by_label("Address or subject").fill(address)
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**q=**")
    visitor.look_around()
    page.get_by_role("row", name=address).first.get_by_role("link").click()
    expect(page.locator("iframe")).to_be_visible()
    visitor.look_around()


def unsubscribe(visitor: Visitor) -> None:
    """By the link in the open mail, as far as the company's page."""
    mail = visitor.page.frame_locator("iframe")
    with visitor.page.context.expect_page() as opened:
        mail.get_by_role("link", name="Unsubscribe").click()
    page = opened.value
    expect(page.get_by_text("Nothing has changed yet.")).to_be_visible()
    visitor.look_around(page)
    page.get_by_role("button", name="Unsubscribe").click()
    heading = page.get_by_role("heading", name="You will get no more letters from us.")
    expect(heading).to_be_visible()
    visitor.look_around(page)
    page.close()
