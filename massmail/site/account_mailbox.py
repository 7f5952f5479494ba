"""How the reading of an account's mailbox fares, in words."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from massmail.inbound.folders import shown_name
from massmail.inbound.mailbox_help import help_for
from massmail.models import EmailAccount, Mailbox
from massmail.site.account_facts import Tone
from massmail.site.moments import when
from massmail.site.poll_words import counted_kinds

# A mailbox that has been due for so long is read by nobody.
OVERDUE = dt.timedelta(minutes=15)


@dataclass(frozen=True)
class MailboxFacts:
    """What the account's page says; the list has room for less."""

    tone: Tone
    label: str
    sentence: str
    found: str = ""
    help_text: str = ""
    server_words: str = ""
    # Folders that cannot be read, with the server's words, while the others can.
    refused: list[dict[str, str]] = field(default_factory=list)

    @property
    def has_trouble(self) -> bool:
        return self.tone != Tone.GOOD


def mailbox_facts(
    account: EmailAccount, now: dt.datetime, *, with_folders: bool = True
) -> MailboxFacts | None:
    """None for an account that reads no mailbox; its folders cost a query more."""
    if not account.imports_mail:
        return None
    if not account.imap_host:
        text = _("Its mailbox is not read: enter the IMAP server below.")
        return MailboxFacts(Tone.STOPPED, _("not read"), text)
    mailbox: Mailbox | None = getattr(account, "mailbox", None)
    if (since := due_since(account, mailbox)) and since < now - OVERDUE:
        return facts_of_neglect(mailbox, since)
    if mailbox is None or mailbox.tried_at is None:
        text = _("It has not been read yet; that begins within a minute or two.")
        return MailboxFacts(Tone.GOOD, _("not read yet"), text)
    if mailbox.reason and mailbox.tried_with == account.updated_at:
        return facts_of_trouble(mailbox)
    return facts_of_success(mailbox, refused(mailbox) if with_folders else [])


def facts_of_success(
    mailbox: Mailbox, refused_folders: list[dict[str, str]]
) -> MailboxFacts:
    if mailbox.read_at is None:
        text = _("It was edited, and is tried again within a minute or two.")
    else:
        text = _("Last read %(when)s.") % {"when": when(mailbox.read_at)}
    return MailboxFacts(
        Tone.GOOD, _("read"), text, found_lately(mailbox), refused=refused_folders
    )


def due_since(account: EmailAccount, mailbox: Mailbox | None) -> dt.datetime | None:
    """When it is to be read, or was; None while it waits for a person."""
    if mailbox is None or mailbox.tried_with != account.updated_at:
        return account.updated_at
    return mailbox.next_poll_at


def facts_of_neglect(mailbox: Mailbox | None, since: dt.datetime) -> MailboxFacts:
    text = _(
        "It is to be read since %(when)s, and nobody does: the scheduler is not "
        "running. Tell the administrator."
    )
    text %= {"when": when(since)}
    found = found_lately(mailbox) if mailbox else ""
    return MailboxFacts(Tone.STOPPED, _("not read"), text, found)


def facts_of_trouble(mailbox: Mailbox) -> MailboxFacts:
    if mailbox.next_poll_at is None:
        tone, label = Tone.STOPPED, _("not read")
        text = _("It is not read until the cause is mended.")
    else:
        tone, label = Tone.RESTING, _("trying again")
        text = _("It cannot be read at the moment and is tried again %(when)s.")
        text %= {"when": when(mailbox.next_poll_at)}
    if mailbox.read_at is not None:
        last = _("Last read %(when)s.") % {"when": when(mailbox.read_at)}
        text = f"{text} {last}"
    return MailboxFacts(
        tone,
        label,
        text,
        found_lately(mailbox),
        help_for(mailbox.reason),
        mailbox.last_error,
    )


def found_lately(mailbox: Mailbox) -> str:
    if mailbox.found_at is None:
        return _("Nothing has come back so far.")
    text = _("Last found %(when)s: %(what)s.")
    return text % {
        "when": when(mailbox.found_at),
        "what": counted_kinds(mailbox.found),
    }


def refused(mailbox: Mailbox) -> list[dict[str, str]]:
    return [
        {"name": shown_name(row.name), "words": row.last_error.partition(": ")[2]}
        for row in mailbox.folders.exclude(last_error="").order_by("role")
    ]
