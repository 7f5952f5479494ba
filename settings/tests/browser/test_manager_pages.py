"""The pages around a mailing: begin by filters, merge, duplicate, a record's tab."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from crm.models import Contact
from massmail.models import MailingOut, SuppressedAddress
from settings.tests.browser import steps
from settings.tests.browser.looks import DARK, LAPTOP, PHONE
from settings.tests.browser.visitor import Visitor, visiting

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("look", [LAPTOP, DARK, PHONE], ids=str)
def test_a_manager_begins_by_filters_and_does_it_again(chromium, site, look):
    with visiting(chromium, site, look) as anna:
        anna.log_in_as(site.anna)
        begin_by_filters(anna, site.readers(1)[0].country.name)
        duplicate(anna)
        merge(anna)
        look_at_lists(anna)
        opt_out(anna)

    assert MailingOut.objects.filter(merged_into__isnull=False).count() == 1


def begin_by_filters(anna: Visitor, country: str) -> None:
    page = anna.page
    mine = Contact.objects.filter(owner=anna.site.anna)
    wanted = mine.filter(country__name=country).count()
    assert 0 < wanted < mine.count()
    anna.open("/massmail/mailingout/create/")
    anna.look_around()
    page.get_by_role("link", name="Contacts").last.click()
    expect(page.get_by_text(f"{mine.count()} are chosen.")).to_be_visible()
    anna.look_around()
    page.get_by_role("checkbox", name=country).press("Space")
    expect(page.get_by_text(f"{wanted} are chosen.")).to_be_visible()
    anna.look_around()
    page.get_by_label("Name:").fill("To one country")
    page.get_by_role("button", name="Create the mailing").press("Enter")
    expect(page.get_by_role("heading", name="To one country")).to_be_visible()
    steps.expect_number(page, wanted, "recipients")


def duplicate(anna: Visitor) -> None:
    page = anna.page
    page.get_by_role("link", name="Duplicate…").press("Enter")
    anna.look_around()
    page.get_by_role("button", name="Create the draft").press("Enter")
    expect(page.get_by_role("heading", name="To one country, again")).to_be_visible()
    expect(page.get_by_text("A draft with")).to_be_visible()


def merge(anna: Visitor) -> None:
    """Both have the same recipients: nobody moves, and the other one ends."""
    page = anna.page
    page.get_by_role("link", name="Merge others into it…").press("Enter")
    anna.look_around()
    page.get_by_role("checkbox", name="To one country").press("Space")
    page.get_by_role("button", name="Merge", exact=True).press("Enter")
    expect(page.get_by_text("recipients were taken over")).to_be_visible()
    anna.look_around()


def look_at_lists(anna: Visitor) -> None:
    for place in ("/massmail/", "/massmail/mailingout/", "/crm/contact/?vip=yes"):
        anna.open(place)
        anna.look_around()


def opt_out(anna: Visitor) -> None:
    page, contact = anna.page, anna.site.readers(1)[0]
    anna.open(f"/crm/contact/{contact.pk}/change/")
    page.get_by_role("navigation", name="Pages of this record").get_by_role(
        "link", name="Mailings"
    ).press("Enter")
    anna.look_around()
    page.get_by_label("Reason").fill("said so on the phone")
    page.get_by_role("button", name="Opt out").press("Enter")
    expect(page.get_by_text("No mailing reaches this record any more")).to_be_visible()
    anna.look_around()
    assert SuppressedAddress.objects.covers(contact.email)
