"""The recipients' pages, all the way out and back, on each screen and in each look."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from crm.models import Contact
from massmail.audience.snapshot import create_mailing
from massmail.models import Delivery, MassContact, MassmailSettings, SuppressedAddress
from massmail.orchestrator.lifecycle import launch
from massmail.tests.factories import EmlMessageFactory, TargetListFactory
from settings.tests.browser.looks import DARK, DARK_PHONE, LAPTOP, PHONE
from settings.tests.browser.visitor import visiting

pytestmark = pytest.mark.browser
HTML = (
    '<p>Dear {{ first_name|default:"reader" }}, <a href="https://example.com/">news</a>'
    ' and <a href="{{ view_url }}">in the browser</a></p>'
    '<p>{{ postal_address }} <a href="{{ unsubscribe_url }}">Unsubscribe</a></p>'
)


@pytest.fixture
def reader(site) -> Contact:
    """Somebody who has just got a mail that is tracked."""
    MassmailSettings.objects.update(
        track_opens=True,
        track_clicks=True,
        unsubscribe_redirect_url="",
        brand_color="#0a7d4f",
    )
    [reader] = site.readers(1)
    send_news(site, reader)
    return reader


def send_news(site, reader: Contact, **lists) -> None:
    message = EmlMessageFactory(owner=site.anna, content=HTML, subject="News")
    chosen = Contact.objects.filter(pk=reader.pk)
    mailing = create_mailing(
        owner=site.anna, message=message, recipients=chosen, **lists
    )
    launch(mailing, by=site.anna)
    site.send()


def link(site, reader: Contact, page: str) -> str:
    """The path of a page in the reader's last mail."""
    row = Delivery.objects.filter(address=reader.email).latest("pk")
    mail = site.mails.raw(site.mails.page(search=row.address, offset=0, limit=1)[0])
    text = mail.replace(b"=\r\n", b"").replace(b"=3D", b"=").decode("ascii")
    return re.search(rf"(/news/{page}/[\w/-]+)", text)[1]


@pytest.mark.parametrize("look", [LAPTOP, DARK, PHONE, DARK_PHONE], ids=str)
def test_a_reader_leaves_and_comes_back(chromium, site, reader, look):
    with visiting(chromium, site, look) as guest:
        page = guest.page
        way_out = link(site, reader, "u")
        guest.open(way_out)
        expect(page.get_by_text("Nothing has changed yet.")).to_be_visible()
        guest.look_around()
        page.get_by_role("button", name="Do not note what I read").click()
        heading = page.get_by_role("heading", name="We no longer note what you read")
        expect(heading).to_be_visible()
        guest.look_around()
        guest.open(way_out)
        page.get_by_label("Why?").select_option("Too many mails")
        page.get_by_label("In your own words").fill("One a month is enough")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="You are unsubscribed")).to_be_visible()
        guest.look_around()
        assert page.url == f"{site.url}/news/unsubscribed/"
        assert SuppressedAddress.objects.covers(reader.email)
        guest.open(way_out)
        guest.look_around()
        page.get_by_role("button", name="Subscribe again").click()
        heading = page.get_by_role("heading", name="Look into your mailbox")
        expect(heading).to_be_visible()
        guest.look_around()
        assert SuppressedAddress.objects.covers(reader.email)
        site.send()
        guest.open(link(site, reader, "s"))
        guest.look_around()
        page.get_by_role("button", name="Subscribe again").click()
        expect(
            page.get_by_role("heading", name="You are subscribed again")
        ).to_be_visible()
        guest.look_around()
    assert not SuppressedAddress.objects.covers(reader.email)
    assert not MassContact.objects.get(object_id=str(reader.pk)).allows_tracking


@pytest.mark.parametrize("look", [LAPTOP, DARK_PHONE], ids=str)
def test_a_reader_leaves_one_list_and_comes_back_to_it(chromium, site, reader, look):
    name = "A letter whose name is long enough for two lines on a phone"
    target_list = TargetListFactory(owner=site.anna, name="hot", public_name=name)
    send_news(site, reader, target_lists=[target_list])
    with visiting(chromium, site, look) as guest:
        page = guest.page
        way_out = link(site, reader, "u")
        guest.open(way_out)
        guest.look_around()
        expect(page.get_by_label(f"only “{name}”")).to_be_checked()
        expect(page.get_by_label("all our mailings")).not_to_be_checked()
        page.get_by_role("button", name="Unsubscribe").click()
        expect(page.get_by_role("heading", name="You are unsubscribed")).to_be_visible()
        guest.look_around()
        assert left(reader) == {target_list.pk}
        guest.open(way_out)
        guest.look_around()
        heading = f"You are unsubscribed from “{name}”"
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        page.get_by_role("button", name="Subscribe again").click()
        site.send()
        guest.open(link(site, reader, "s"))
        guest.look_around()
        expect(page.get_by_text(f"It is only about “{name}”.")).to_be_visible()
        page.get_by_role("button", name="Subscribe again").click()
        expect(
            page.get_by_role("heading", name="You are subscribed again")
        ).to_be_visible()
        assert left(reader) == set()
        guest.open(way_out)
        page.get_by_label("all our mailings").press("Space")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="You are unsubscribed")).to_be_visible()
        assert left(reader) == {None}


def left(reader: Contact) -> set[int | None]:
    rows = SuppressedAddress.objects.filter(address=reader.email)
    return set(rows.values_list("target_list", flat=True))


@pytest.mark.parametrize("look", [LAPTOP, PHONE], ids=str)
def test_the_mail_in_the_browser(chromium, site, reader, look):
    """No script runs there, not even those that look for problems."""
    context = chromium.new_context(**look.context())
    page = context.new_page()
    page.goto(site.url + link(site, reader, "v"))
    expect(page.get_by_text(f"Dear {reader.first_name}")).to_be_visible()
    page.get_by_role("link", name="Unsubscribe").click()
    expect(page.get_by_text("Nothing has changed yet.")).to_be_visible()
    context.close()
