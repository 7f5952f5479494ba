"""A message is written with the visual editor, or without any JavaScript."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image
from playwright.sync_api import expect

from massmail.models import EmlMessage, LibraryImage
from settings.tests.browser import writing
from settings.tests.browser.looks import DARK_PHONE, LAPTOP
from settings.tests.browser.visitor import Visitor, visiting

pytestmark = pytest.mark.browser


def team_picture() -> dict[str, object]:
    buffer = io.BytesIO()
    Image.new("RGB", (640, 240), "#3b7a57").save(buffer, "PNG")
    return {"name": "Team.png", "mimeType": "image/png", "buffer": buffer.getvalue()}


@pytest.mark.parametrize("look", [LAPTOP, DARK_PHONE], ids=str)
def test_a_message_with_a_variable_and_a_picture(chromium, site, look):
    with visiting(chromium, site, look) as anna:
        anna.log_in_as(site.anna)
        begin_with_an_invitation(anna)
        change_the_heading(anna)
        insert_a_variable(anna)
        insert_a_picture(anna)
        add_a_link(anna)
        look_at_the_preview(anna)
        writing.save(anna.page)
        anna.look_around()

    message = EmlMessage.objects.latest("pk")
    image = LibraryImage.objects.latest("pk")
    assert message.subject == "Harvest in {{ city }}"
    assert "<h1>Harvest evening</h1>" in message.content
    assert '{{ middle_name|default:"friend of ours" }}' in message.content
    assert f'src="{{% cid_{image.tag} %}}"' in message.content
    assert 'alt="Our team"' in message.content
    assert '<a href="https://example.com/harvest">Read more</a>' in message.content
    # What was not touched is as it was.
    assert '<a href="{{ unsubscribe_url }}">Unsubscribe</a>' in message.content
    assert "@media (prefers-color-scheme: dark)" in message.content
    assert '{{ first_name|default:"Sir or Madam" }}' in message.content


def begin_with_an_invitation(anna: Visitor) -> None:
    page = anna.page
    anna.open(writing.ADD)
    anna.look_around()
    page.get_by_role("link", name="Invitation").click()
    expect(writing.visual(page)).to_contain_text("The name of the event")
    writing.wait_for_preview(page)
    page.get_by_label("Subject").fill("Harvest in {{ city }}")


def change_the_heading(anna: Visitor) -> None:
    writing.visual(anna.page).get_by_role("heading").click(click_count=3)
    writing.settle(anna.page)
    anna.page.keyboard.type("Harvest evening")


def insert_a_variable(anna: Visitor) -> None:
    page = anna.page
    paragraph = writing.visual(page).get_by_text("Why it is worth coming")
    paragraph.click(click_count=3)
    writing.settle(page)
    page.keyboard.type("Come, ")
    writing.tool(page, "Variable").click()
    dialog = writing.dialog(page, "Variable")
    anna.look_around()
    dialog.get_by_label("What the reader sees").select_option("middle_name")
    dialog.get_by_label("Text for readers without a value").fill('friend "of" ours')
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    page.keyboard.type("! ")


def insert_a_picture(anna: Visitor) -> None:
    page = anna.page
    writing.tool(page, "Picture").click()
    dialog = writing.dialog(page, "Picture")
    dialog.get_by_label("A new picture").set_input_files(team_picture())
    # Without a description it is none for a screen reader.
    picture = writing.visual(page).locator("img[data-massmail-kept]")
    expect(picture).to_be_visible()
    picture.dblclick()
    anna.look_around()
    dialog.get_by_label("Description").fill("Our team")
    dialog.get_by_role("button", name="Apply").click()
    expect(writing.visual(page).get_by_role("img", name="Our team")).to_be_visible()


def add_a_link(anna: Visitor) -> None:
    page = anna.page
    expect(writing.visual(page)).to_be_focused()
    page.keyboard.press("ArrowRight")
    writing.settle(page)
    writing.tool(page, "Link").click()
    dialog = writing.dialog(page, "Link")
    apply = dialog.get_by_role("button", name="Apply")
    # What is no address is said, and nothing that was typed is lost.
    for wrong in ("", "exa mple.com"):
        dialog.get_by_label("Address").fill(wrong)
        apply.click()
        expect(dialog).to_be_visible()
    dialog.get_by_label("Address").fill("example.com/harvest")
    dialog.get_by_label("Text").fill("Read more")
    apply.click()
    expect(writing.visual(page).get_by_text("Read more")).to_be_visible()


def look_at_the_preview(anna: Visitor) -> None:
    page = anna.page
    mail = writing.preview(page)
    expect(mail.get_by_text("Read more")).to_be_visible()
    expect(mail.get_by_role("img", name="Our team")).to_be_visible()
    page.get_by_label("Preview as").select_option("-emptiest")
    expect(mail.get_by_text("friend of ours")).to_be_visible()
    for name in ("Phone", "Dark", "No pictures"):
        page.get_by_role("button", name=name, exact=True).click()
    expect(mail.get_by_alt_text("Our team")).to_be_visible()
    expect(mail.locator("img[src]")).to_have_count(0)
    anna.look_around()
    page.get_by_role("button", name="Text", exact=True).click()
    expect(page.get_by_role("region", name="Plain text")).to_contain_text(
        "https://example.com/harvest"
    )


def test_without_javascript_the_fields_are_there(chromium, site):
    with visiting(chromium, site, java_script_enabled=False) as anna:
        anna.log_in_as(site.anna)
        page = anna.page
        anna.open(writing.ADD)
        expect(page.get_by_role("toolbar")).to_be_hidden()
        page.get_by_label("Subject").fill("Plain")
        html = page.get_by_role("textbox", name="HTML")
        html.fill("<p>Hi {{ first_name }}</p>")
        page.get_by_role("textbox", name="Plain text").fill("Hi {{ first_name }}")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text("was added successfully")).to_be_visible()

    message = EmlMessage.objects.latest("pk")
    assert (message.content, message.text) == (
        "<p>Hi {{ first_name }}</p>",
        "Hi {{ first_name }}",
    )


def test_a_variable_goes_where_the_cursor_was(anna):
    page = anna.page
    text = writing.open_editor(anna)
    page.get_by_label("Subject").fill("News for ")
    variable = page.get_by_role("button", name="{{ company }}", exact=True).first

    variable.click()
    expect(page.get_by_label("Subject")).to_have_value("News for {{ company }}")
    assert "{{ company }}" not in writing.source(page).input_value()

    text.get_by_role("heading").click()
    writing.settle(page)
    variable.click()
    expect(writing.source(page)).to_have_value(re.compile(r"\{\{ company \}\}"))
    expect(page.get_by_label("Subject")).to_have_value("News for {{ company }}")


def test_the_sum_of_the_files_follows_what_is_chosen(anna):
    page = anna.page
    writing.open_editor(anna)
    total = page.locator("[data-message-sum]")
    for number in range(2):
        page.get_by_text("Add another Attachment").click()
        file = {"name": "a.pdf", "mimeType": "application/pdf", "buffer": b"x" * 2**20}
        page.locator(f"[name=attachments-{number}-file]").set_input_files(file)
    expect(total).to_contain_text("2 of at most")

    page.locator("#attachments-1 .inline-deletelink").click()
    expect(total).to_contain_text("1 of at most")
