"""The main job without a mouse: whatever has the focus can be seen to have it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from settings.tests.browser import steps
from settings.tests.browser.visitor import Visitor

pytestmark = pytest.mark.browser

MOST_TABS = 200
# What the focus looks like: an outline, a shadow or another colour of the border.
LOOK = """element => {
  const style = getComputedStyle(element);
  return [style.outlineStyle, style.outlineColor, style.outlineWidth,
          style.boxShadow, style.borderColor, style.backgroundColor,
          style.textDecorationLine, style.color].join(" ");
}"""
HAS_FOCUS = "element => element === document.activeElement"


def test_a_mailing_is_made_and_launched_by_keyboard_alone(anna):
    page = anna.page
    reader = anna.site.readers(1)[0]
    anna.open("/crm/contact/")
    box = f"Select this object for an action - {reader}"
    go_to(anna, page.get_by_role("checkbox", name=box, exact=True))
    page.keyboard.press("Space")
    go_to(anna, page.get_by_label("Action:"), backwards=True)
    page.keyboard.type(steps.CREATE)
    press(anna, page.get_by_role("button", name="Go"))
    press(anna, page.get_by_role("button", name="Create the mailing"))
    press(anna, page.get_by_role("link", name="Launch…"))
    press(anna, page.get_by_role("button", name="Launch to 1 recipient"))
    expect(page.get_by_text("Launched: 1 recipient")).to_be_visible()

    press(anna, page.get_by_role("button", name="Pause"))
    expect(page.get_by_text("The mailing is paused.")).to_be_visible()
    press(anna, page.get_by_role("button", name="Resume"))
    expect(page.get_by_text("The mailing goes on.")).to_be_visible()
    anna.site.send()
    steps.expect_number(page, 1, "sent")
    press(anna, page.get_by_role("link", name="1 sent", exact=True))
    expect(page.get_by_role("row", name=reader.email)).to_be_visible()


def press(anna: Visitor, target: Locator) -> None:
    go_to(anna, target)
    anna.page.keyboard.press("Enter")


def go_to(anna: Visitor, target: Locator, *, backwards: bool = False) -> None:
    """By the Tab key; a focus that nobody sees is a problem."""
    target.wait_for()
    unfocused = target.evaluate(LOOK)
    for _press in range(MOST_TABS):
        anna.page.keyboard.press("Shift+Tab" if backwards else "Tab")
        if target.evaluate(HAS_FOCUS):
            break
    else:
        raise AssertionError(f"{MOST_TABS} tabs do not lead to {target}")
    if target.evaluate(LOOK) == unfocused:
        anna.problems.found.append(f"The focus cannot be seen on {target}")
