"""Which of our mails a return is about, and whether its recipient is whom it names."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet

from massmail import tokens
from massmail.inbound.classifier import Told, told_by, told_in_words
from massmail.inbound.identifiers import (
    OF_PEOPLE,
    candidates,
    own_id,
    returned_tokens,
)
from massmail.inbound.kinds import ReturnKind
from massmail.inbound.parser import Mail
from massmail.models import Delivery
from massmail.models.address import InvalidAddress, address_key


def delivery_of(mail: Mail, kind: ReturnKind, *, purpose: str) -> Delivery | None:
    """By its Message-ID, else by the token of its List-Unsubscribe (`purpose`)."""
    found = first_named(candidates(mail, kind))
    if found or kind in OF_PEOPLE:
        return found
    for token in tokens_of(mail, purpose):
        row = rows().filter(pk=token.delivery_id, address_key=token.address_key)
        if found := row.first():
            return found
    return None


def copied_delivery(mail: Mail) -> Delivery | None:
    """The mail itself came to a mailbox of ours, or was put into one."""
    own = own_id(mail)
    return first_named([own, own.lower()]) if own else None


def first_named(names: list[str]) -> Delivery | None:
    # The empty ones are excluded for the index, which does not hold them.
    named = rows().filter(message_id__in=names).exclude(message_id="")
    found = {row.message_id: row for row in named} if names else {}
    return next((found[name] for name in names if name in found), None)


def rows() -> QuerySet[Delivery]:
    return Delivery.objects.select_related("mailing", "email_account")


def tokens_of(mail: Mail, purpose: str) -> list[tokens.Token]:
    """Those that open: they may name mails whose rows are gone."""
    opened = []
    for text in returned_tokens(mail):
        try:
            opened.append(tokens.read(purpose, text))
        except tokens.InvalidToken:
            continue
    return opened


def told_of(delivery: Delivery, mail: Mail, failing: Iterable[str]) -> Told:
    """Of a report's groups the one about our recipient, else the first that failed."""
    if not mail.reports:
        return told_in_words(mail, failing)
    failed = [report for report in mail.reports if report.action == "failed"]
    told = [told_by(report) for report in failed]
    return next((one for one in told if names(delivery, one)), told[0])


def names(delivery: Delivery, told: Told) -> bool:
    """Whether the address that failed is the one that we mailed, and no other.

    Nobody named, or others besides: it may be a mailbox to which ours forwards.
    """
    account = delivery.email_account
    sender = keys_of([account.from_email]) if account else set()
    named = [keys_of(spellings) - sender for spellings in told.addresses]
    others = [keys for keys in named if delivery.address_key not in keys]
    return len(others) < len(named) and not any(others)


def keys_of(addresses: Iterable[str]) -> set[str]:
    """Of those that are addresses."""
    keys = set()
    for text in addresses:
        try:
            keys.add(address_key(text))
        except (InvalidAddress, ValueError):
            continue
    return keys
