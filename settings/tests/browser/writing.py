"""The page on which messages are written, as a person uses it."""

from __future__ import annotations

from playwright.sync_api import FrameLocator, Locator, Page, expect

from settings.tests.browser.visitor import Visitor

ADD = "/massmail/emlmessage/add/"
NEXT_FRAME = "() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))"


def open_editor(visitor: Visitor, path: str = ADD) -> Locator:
    """The text of the message, when it can be written in."""
    visitor.open(path)
    text = visual(visitor.page)
    expect(text).to_be_visible()
    wait_for_preview(visitor.page)
    return text


def wait_for_preview(page: Page) -> None:
    """Until then the page still moves: a click may miss what it was aimed at."""
    expect(page.locator("[data-message-said-preview]")).not_to_be_empty()


def visual(page: Page) -> Locator:
    return page.get_by_role("textbox", name="The message")


def settle(page: Page) -> None:
    """Let the editor hear of a selection, by an event before the next frame.

    No person is so fast that the next key would still be about the last selection.
    """
    page.evaluate(NEXT_FRAME)


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def source(page: Page) -> Locator:
    return page.locator("#id_content")


def preview(page: Page) -> FrameLocator:
    """The frame beside the text."""
    return page.frame_locator("iframe[name=message-live-frame]")


def dialog(page: Page, name: str) -> Locator:
    return page.get_by_role("dialog", name=name, exact=True)


def tool(page: Page, name: str) -> Locator:
    return page.get_by_role("toolbar").get_by_role("button", name=name, exact=True)


def save(page: Page) -> None:
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
