"""Long words on a small screen: Russian on a phone."""

from __future__ import annotations

import re

import pytest

from crm.models import Contact
from massmail.audience.snapshot import create_mailing
from massmail.models import EmlMessage
from massmail.recipients.registry import source_of
from settings.tests.browser.looks import RUSSIAN_PHONE
from settings.tests.browser.visitor import visiting

pytestmark = pytest.mark.browser

FORMS = ("emlmessage", "signature", "libraryimage", "emailaccount", "suppressedaddress")
LISTS = (*FORMS, "mailingout", "alert", "delivery")
MAILING = ("change", "launch", "schedule", "cancel")
CYRILLIC = re.compile("[а-яё]{4}")


def test_no_page_is_too_wide_for_russian_words(chromium, site):
    mailing = draft_of(site)
    paths = [
        *(f"/massmail/{name}/" for name in LISTS),
        *(f"/massmail/{name}/add/" for name in FORMS),
        *(f"/massmail/mailingout/{mailing.pk}/{page}/" for page in MAILING),
        f"/massmail/emlmessage/{mailing.message_id}/change/",
        f"/massmail/emlmessage/{mailing.message_id}/test/",
        "/massmail/",
        "/crm/contact/",
    ]
    with visiting(chromium, site, RUSSIAN_PHONE) as anna:
        anna.log_in_as(site.anna)
        for path in paths:
            anna.open(path)
            anna.look_around()
            heading = anna.page.locator("#content").inner_text()
            assert CYRILLIC.search(heading), path


def draft_of(site):
    contacts = source_of(Contact).addressable_by(site.anna)
    message = EmlMessage.objects.filter(owner=site.anna).first()
    return create_mailing(owner=site.anna, message=message, recipients=contacts[:20])
