"""What receivers will find wrong with the senders of a mailing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.core.cache import cache
from django.utils.translation import gettext_lazy as _

from massmail.backends.sender_domain import NoAnswer, SenderDomain, look_up
from massmail.conf import conf
from massmail.content.findings import Finding, blocking, note, warning
from massmail.models import EmailAccount
from massmail.models.address import Address, InvalidAddress
from massmail.permissions import main_account, mass_mail_accounts

# A page is opened again while things are being mended; the DNS is as slow as that.
REMEMBERED_SECONDS = 300
NOT_ASKED_AGAIN_SECONDS = 60
NO_ANSWER = "no answer"

UNKNOWN_DOMAIN = blocking(
    "sender_domain_unknown",
    _("The sender's domain does not exist. No server will take mail from it."),
)
NO_SPF = warning(
    "sender_without_spf",
    _("The sender's domain has no SPF record. Much of the mail will go to spam."),
)
TWO_SPF = warning(
    "sender_with_two_spf",
    _("The sender's domain has several SPF records. Receivers then heed none of them."),
)
NO_DKIM = warning(
    "sender_without_dkim",
    _("No DKIM key was found for the sender's domain."),
)
NO_DMARC = warning(
    "sender_without_dmarc",
    _("The sender's domain has no DMARC record, which the large providers ask for."),
)
NOT_ALIGNED = warning(
    "sender_not_aligned",
    _(
        "The account logs in with an address of another domain than it sends from."
        " Receivers with DMARC may refuse that."
    ),
)
NOT_LOOKED_UP = note(
    "sender_not_looked_up",
    _("SPF, DKIM and DMARC were not checked: the DNS did not answer."),
)


def senders_of(owner_id: Any) -> list[EmailAccount]:
    """The accounts that a mailing of this owner goes out through."""
    usable = mass_mail_accounts(owner_id) | main_account(owner_id)
    return list(EmailAccount.objects.filter(usable).order_by("is_main", "pk"))


def sender_findings(accounts: Iterable[EmailAccount]) -> Iterator[Finding]:
    """Nothing of the DNS where the deployment has set no time for it."""
    accounts = list(accounts)
    if strangers := [str(account) for account in accounts if not is_aligned(account)]:
        yield NOT_ALIGNED.at(strangers)
    if conf.DNS_TIMEOUT > 0:
        yield from domain_findings({domain_of(account) for account in accounts} - {""})


def domain_of(account: EmailAccount) -> str:
    """As the DNS knows it; "" when the address cannot be used at all."""
    try:
        return Address.parse(account.from_email).domain
    except InvalidAddress:
        return ""


def is_aligned(account: EmailAccount) -> bool:
    """RFC 7489 §3.1, relaxed: one domain is the other or stands below it."""
    _name, at, login = account.email_host_user.lower().rpartition("@")
    domain = account.from_email.lower().rpartition("@")[2]
    if not at or not account.email_host_user:
        return True
    return f".{login}".endswith(f".{domain}") or f".{domain}".endswith(f".{login}")


def domain_findings(domains: set[str]) -> Iterator[Finding]:
    known: dict[str, SenderDomain] = {}
    silent: list[str] = []
    for domain in sorted(domains):
        # One that does not answer is reason enough to wait for no other.
        records = None if silent else records_of(domain)
        if records is None:
            silent.append(domain)
        else:
            known[domain] = records
    for finding, is_wrong in (
        (UNKNOWN_DOMAIN, lambda records: not records.exists),
        (NO_SPF, lambda records: records.exists and not records.spf_records),
        (TWO_SPF, lambda records: records.spf_records > 1),
        (NO_DKIM, lambda records: records.exists and not records.has_dkim),
        (NO_DMARC, lambda records: records.exists and not records.has_dmarc),
    ):
        if wrong := [name for name, records in known.items() if is_wrong(records)]:
            yield finding.at(wrong)
    if silent:
        yield NOT_LOOKED_UP.at(silent)


def records_of(domain: str) -> SenderDomain | None:
    """None when the DNS does not answer, just now or a moment ago."""
    key = f"massmail:sender_domain:{domain}"
    remembered = cache.get(key)
    if remembered is not None:
        return None if remembered == NO_ANSWER else remembered
    try:
        records = look_up(domain, timeout=conf.DNS_TIMEOUT, servers=conf.DNS_SERVERS)
    except NoAnswer:
        cache.set(key, NO_ANSWER, NOT_ASKED_AGAIN_SECONDS)
        return None
    cache.set(key, records, REMEMBERED_SECONDS)
    return records
