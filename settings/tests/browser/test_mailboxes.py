"""How the reading of a mailbox fares, on the account's page and in the list."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from massmail.models import EmailAccount, Mailbox
from settings.tests.browser.looks import DARK, DARK_PHONE, LAPTOP, PHONE
from settings.tests.browser.visitor import visiting

pytestmark = pytest.mark.browser
# Servers say much, and not always with spaces in it.
WORDS = "AUTHENTICATIONFAILED-" + "0123456789abcdef" * 25
STATES = {
    "works": ({}, "Last read"),
    "fails": ({"reason": "timed_out", "failures_in_a_row": 6}, "is tried again"),
    "stopped": ({"reason": "login_refused", "next_poll_at": None}, "until the cause"),
    "new": (None, "has not been read yet"),
}


@pytest.fixture
def account(site):
    account = EmailAccount.objects.filter(owner=site.anna).order_by("pk").first()
    account.imports_mail, account.imap_host = True, "imap.example.com"
    account.save()
    yield account
    Mailbox.objects.filter(email_account=account).delete()
    account.imports_mail, account.imap_host = False, ""
    account.save()


@pytest.mark.parametrize("look", [LAPTOP, DARK, PHONE, DARK_PHONE], ids=str)
def test_an_owner_sees_how_the_mailbox_fares(chromium, site, account, look):
    with visiting(chromium, site, look) as anna:
        anna.log_in_as(site.anna)
        for facts, sentence in STATES.values():
            is_read(account, facts)
            anna.open(f"/massmail/emailaccount/{account.pk}/change/")
            expect(anna.page.get_by_text(sentence).first).to_be_visible()
            anna.look_around()
            anna.open("/massmail/emailaccount/")
            anna.look_around()


def is_read(account: EmailAccount, facts: dict[str, object] | None) -> None:
    if facts is None:
        Mailbox.objects.filter(email_account=account).delete()
        return
    now = timezone.now()
    defaults = {
        "tried_with": account.updated_at,
        "tried_at": now,
        "read_at": now - dt.timedelta(days=1),
        "next_poll_at": now + dt.timedelta(minutes=5),
        "reason": "",
        "last_error": WORDS if "reason" in facts else "",
        "found": {"bounce": 12, "reply": 3, "auto_reply": 5},
        "found_at": now,
    }
    Mailbox.objects.update_or_create(email_account=account, defaults=defaults | facts)
