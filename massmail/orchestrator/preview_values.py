"""What every previewed copy has, whoever it is for: sender, address, harmless link."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from massmail.content.headers import Sender
from massmail.content.values import Value
from massmail.models import EmailAccount, MassmailSettings
from massmail.orchestrator.compiling import sender_of
from massmail.permissions import main_account, mass_mail_accounts
from massmail.tracking.public_links import (
    UNSUBSCRIBE,
    VIEW,
    path_to_page,
    public_urlconf,
)

# No token looks like this, so the page behind it opts nobody out.
NOBODY = "preview"


def sender_for(user: Any) -> Sender | None:
    """One of the accounts that would send a mailing of this person's."""
    if user is None:
        return None
    usable = mass_mail_accounts(user.pk) | main_account(user.pk)
    account = EmailAccount.objects.filter(usable).order_by("is_main", "pk").first()
    return sender_of(account) if account else None


def placeholder() -> Sender:
    """In place of an account that does not exist yet."""
    return Sender(_("Sender’s name"), "sender@example.com")


def standard_values(settings: MassmailSettings) -> dict[str, Value]:
    return {
        "unsubscribe_url": harmless_url(settings),
        "view_url": harmless_url(settings, VIEW),
        "postal_address": settings.postal_address,
        "today": timezone.now().astimezone(settings.zone).date(),
    }


def harmless_url(settings: MassmailSettings, page: str = UNSUBSCRIBE) -> str:
    """In place of the recipient's link: looks like it, and can do nothing."""
    base_url = settings.base_url or "https://news.example.com"
    return f"{base_url}{path_to_page(page, public_urlconf())}{NOBODY}"
