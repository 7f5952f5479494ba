"""What came back by mail, on the pages where a manager looks for it."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from crm.models import Contact
from massmail.audience.snapshot import create_mailing
from massmail.models import Delivery, DeliveryEvent, EmlMessage
from massmail.orchestrator.lifecycle import launch
from settings.tests.browser.demo_site import DemoSite
from settings.tests.browser.looks import DARK, DARK_PHONE, LAPTOP, PHONE
from settings.tests.browser.visitor import Visitor, visiting

pytestmark = pytest.mark.browser
NO_MAILBOX = (
    "hard: unknown_address: 550 5.1.1 <reader@example.com>: Recipient address"
    " rejected: User unknown in virtual mailbox table (in reply to RCPT TO command)"
)
HAPPENED = (
    ("bounced", NO_MAILBOX),
    ("bounced", "forwarded: mailbox_full: 552 5.2.2 Over quota"),
    ("complained", "abuse"),
    ("replied", "Re: The news of the spring, and a question about your prices"),
    ("auto_replied", "Automatic reply: back on Monday"),
)


@pytest.mark.parametrize("look", [LAPTOP, DARK, PHONE, DARK_PHONE], ids=str)
def test_a_manager_finds_who_bounced(chromium, site, look):
    row = sent_mail(site)
    mailing, record = row.mailing, Contact.objects.get(pk=row.object_id)
    come_back(row)

    with visiting(chromium, site, look) as anna:
        anna.log_in_as(site.anna)
        look_at_the_mailing(anna, mailing)
        anna.page.get_by_role("link", name="bounced").click()
        look_at_the_recipient(anna, row)
        anna.open(f"/crm/contact/{record.pk}/mailings/")
        expect(anna.page.get_by_text("there is no such mailbox")).to_be_visible()
        anna.look_around()


def sent_mail(site: DemoSite) -> Delivery:
    chosen = Contact.objects.filter(pk__in=[one.pk for one in site.readers(3)])
    message = EmlMessage.objects.get(subject__contains="harvest")
    mailing = create_mailing(owner=site.anna, message=message, recipients=chosen)
    launch(mailing, by=site.anna)
    site.send()
    return mailing.deliveries.filter(status="sent").latest("pk")


def come_back(row: Delivery) -> None:
    for number, (kind, detail) in enumerate(HAPPENED):
        DeliveryEvent.objects.create(
            delivery=row,
            kind=kind,
            detail=detail,
            occurred_at=timezone.now(),
            source_key=f"{kind}:{row.pk}:{number}",
        )


def look_at_the_mailing(anna: Visitor, mailing: Any) -> None:
    anna.open(f"/massmail/mailingout/{mailing.pk}/change/")
    expect(anna.page.get_by_text("Came back by mail")).to_be_visible()
    anna.look_around()


def look_at_the_recipient(anna: Visitor, row: Delivery) -> None:
    """The list has this one alone; its page tells what the server said."""
    page = anna.page
    expect(page.get_by_text(row.address)).to_be_visible()
    anna.look_around()
    anna.open(f"/massmail/delivery/{row.pk}/change/")
    words = page.get_by_text("User unknown in virtual mailbox table")
    expect(words).to_be_visible()
    anna.look_around()
