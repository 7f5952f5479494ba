"""What the DNS says of a sender's domain: SPF (RFC 7208), DKIM (6376), DMARC (7489)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import dns.exception
import dns.nameserver
import dns.resolver

# Where the large providers and the usual software put a domain's DKIM key.
USUAL_SELECTORS = ("google", "selector1", "default", "mail", "dkim", "s1", "k1")


class NoAnswer(Exception):
    """The DNS could not be asked, or did not answer in time."""


@dataclass(frozen=True, slots=True)
class SenderDomain:
    """`exists` False: no mail from there is accepted anywhere; the rest is False then.

    `spf_records` should be 1: with more of them receivers heed none.
    """

    exists: bool
    spf_records: int = 0
    has_dkim: bool = False
    has_dmarc: bool = False


def look_up(
    domain: str, *, timeout: float, servers: Sequence[str] = ()
) -> SenderDomain:
    """All questions together take no longer than `timeout` seconds.

    `domain` is an A-label, `servers` are "address:port" (none: the system's own).
    Raises NoAnswer.
    """
    questions = _Questions(timeout, servers)
    own = questions.texts(domain)
    if own is None:
        return SenderDomain(exists=False)
    return SenderDomain(
        exists=True,
        spf_records=sum(is_spf(text) for text in own),
        has_dkim=has_dkim(domain, questions),
        has_dmarc=has_dmarc(domain, questions),
    )


def is_spf(text: str) -> bool:
    return text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")


def has_dkim(domain: str, questions: _Questions) -> bool:
    """Nobody but the sender knows the selector, but a name above a key exists.

    A name below which there is something is not denied (RFC 8020); for servers that
    do deny it, the usual selectors are tried.
    """
    if questions.texts(f"_domainkey.{domain}") is not None:
        return True
    return any(
        questions.texts(f"{selector}._domainkey.{domain}")
        for selector in USUAL_SELECTORS
    )


def has_dmarc(domain: str, questions: _Questions) -> bool:
    """Its own record, or that of a domain above."""
    return any(
        text.lower().startswith("v=dmarc1")
        for name in domain_and_parents(domain)
        for text in questions.texts(f"_dmarc.{name}") or []
    )


def domain_and_parents(domain: str) -> Iterator[str]:
    """Down to two labels, below which nobody but registries has records."""
    labels = domain.split(".")
    for start in range(max(len(labels) - 1, 1)):
        yield ".".join(labels[start:])


class _Questions:
    """A resolver with one time limit for everything that is asked."""

    def __init__(self, timeout: float, servers: Sequence[str]) -> None:
        self._until = time.monotonic() + timeout
        try:
            self._resolver = dns.resolver.Resolver(configure=not servers)
        except dns.exception.DNSException as error:
            raise NoAnswer(str(error)) from error
        if servers:
            self._resolver.nameservers = [nameserver(text) for text in servers]

    def texts(self, name: str) -> list[str] | None:
        """The name's TXT records; None when there is no such name."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise NoAnswer("The time is over.")
        try:
            answer = self._resolver.resolve(
                name, "TXT", lifetime=left, search=False, raise_on_no_answer=False
            )
        except dns.resolver.NXDOMAIN:
            return None
        except (dns.exception.DNSException, OSError) as error:
            raise NoAnswer(str(error)) from error
        return [
            b"".join(record.strings).decode("utf-8", "replace")
            for record in answer.rrset or []
        ]


def nameserver(text: str) -> dns.nameserver.Nameserver:
    address, _colon, port = text.rpartition(":")
    return dns.nameserver.Do53Nameserver(address, int(port))
