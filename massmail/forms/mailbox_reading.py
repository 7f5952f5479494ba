"""The part of an account's form that is about reading its mailbox."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from massmail.backends.oauth2 import provider_named
from massmail.backends.presets import PRESETS
from massmail.models import EmailAccount

READING_HELP = {
    "imports_mail": gettext_lazy(
        "Looks into the mailbox every few minutes, by IMAP: for bounces, complaints, "
        "replies and requests to unsubscribe in the inbox and the junk, for copies of "
        "uncertain messages in the sent mail. Of other mail only a few header fields "
        "are read, and nothing of it is kept. Nothing in the mailbox is changed, moved "
        "or marked as read."
    ),
    "imap_host": gettext_lazy("The login is the one for sending."),
    "imap_port": gettext_lazy("993 for TLS, 143 for STARTTLS."),
}


def take_imap_server(cleaned: dict[str, Any]) -> bool:
    """The provider's own, where a mailbox is to be read and no server was entered.

    Returns whether it was. It is the provider's as much as the one for sending is, so
    secrets stay.
    """
    if cleaned.get("imap_host", "faulty") or not cleaned.get("imports_mail"):
        return False
    preset = PRESETS.get(cleaned.get("preset", ""))
    provider = provider_named(cleaned.get("auth", ""))
    hosts = [provider.imap_host if provider else ""]
    if preset is not None and preset.email_host == cleaned.get("email_host"):
        hosts.append(preset.imap_host)
    cleaned["imap_host"] = next(filter(None, hosts), "")
    return bool(cleaned["imap_host"])


def reading_errors(cleaned: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(field, what a mailbox could not be read without)."""
    if not cleaned.get("imports_mail"):
        return
    if not cleaned.get("imap_host", "faulty"):
        yield "imap_host", _("Enter the IMAP server of the mailbox that is read.")
    has_login = cleaned.get("email_host_user") and cleaned.get("email_host_password")
    if cleaned.get("auth") == EmailAccount.NO_AUTH and not has_login:
        text = _("No mailbox can be read without a login: choose one above.")
        yield "imports_mail", text
