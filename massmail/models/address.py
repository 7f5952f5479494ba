"""What makes two spellings one address, and the keyed hash that stands for it."""

from __future__ import annotations

import hmac
import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

import idna
from email_validator import (
    SPECIAL_USE_DOMAIN_NAMES,
    EmailNotValidError,
    validate_email,
)

from massmail.conf import conf

# Dot-atoms of RFC 5322 §3.2.3 in ASCII: nearly every address there is. All others
# take the validator's slower road.
PLAIN_LOCAL_PART = re.compile(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.IGNORECASE
)
# Domains of which IDNA leaves every letter as it is, those with "--" aside.
LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
PLAIN_DOMAIN = re.compile(rf"({LABEL}\.)+[a-z]([a-z0-9-]{{0,61}}[a-z])?")
MAX_PLAIN_DOMAIN = 200
SPECIAL_USE = tuple(f".{name}" for name in SPECIAL_USE_DOMAIN_NAMES)
# RFC 5321 §4.5.3.1: a path of 256 octets has its angle brackets in it.
MAX_LOCAL_PART, MAX_ADDRESS = 64, 254


class InvalidAddress(ValueError):
    """No mail can be sent to this text."""


class Address(NamedTuple):
    """An address in the three forms that the ledger needs.

    `text` is what people read (as written, NFC), `wire` what SMTP gets (domain as
    A-label), `key` is the HMAC of the normalised form: 32 hexadecimal digits.
    """

    text: str
    wire: str
    key: str
    domain: str

    @classmethod
    def parse(cls, value: str) -> Address:
        """Raises `InvalidAddress`; never asks the network."""
        text = unicodedata.normalize("NFC", value or "").strip()
        local, at, domain_text = text.rpartition("@")
        if not at:
            raise InvalidAddress("An address has the form name@domain.")
        domain = ascii_domain(domain_text)
        if not PLAIN_LOCAL_PART.fullmatch(local):
            _validate(text)
        wire = f"{local}@{domain}"
        if len(local) > MAX_LOCAL_PART or len(wire) > MAX_ADDRESS:
            raise InvalidAddress("The address is too long.")
        return cls(text, wire, address_key_of(local, domain), domain)


def address_key(value: str) -> str:
    """The key of an address; raises `InvalidAddress`."""
    return Address.parse(value).key


def address_key_of(local: str, domain: str) -> str:
    """HMAC-SHA-256 of the normalised address, cut to 128 bits.

    `lower()`, not `casefold()`: folding ß to ss would name a stranger's mailbox.
    """
    normalised = f"{local.lower()}@{domain}".encode()
    return hmac.digest(conf.ADDRESS_KEY.encode(), normalised, "sha256").hex()[:32]


@lru_cache(maxsize=10_000)
def ascii_domain(domain: str) -> str:
    """The domain as A-label, UTS 46 non-transitional; raises `InvalidAddress`."""
    lowered = domain.lower() if domain.isascii() else domain
    return lowered if is_plain(lowered) else long_way(domain)


def long_way(domain: str) -> str:
    try:
        encoded = idna.encode(
            domain.rstrip("."), uts46=True, std3_rules=True, transitional=False
        ).decode("ascii")
    except (idna.IDNAError, UnicodeError) as error:
        raise InvalidAddress(str(error)) from error
    _validate(f"user@{encoded}")
    return encoded.lower()


def is_plain(domain: str) -> bool:
    """Nearly every domain there is: whether it is fine is told in a fiftieth of the
    time."""
    return (
        len(domain) <= MAX_PLAIN_DOMAIN
        and PLAIN_DOMAIN.fullmatch(domain) is not None
        and "--" not in domain
        and not f".{domain}".endswith(SPECIAL_USE)
    )


def _validate(address: str) -> None:
    try:
        validate_email(address, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise InvalidAddress(str(error)) from error
