"""Public tokens: encrypted, authenticated, short, and good for years.

A token names its purpose, a delivery and an address key; nothing of it is in clear,
and the key alone still opts an address out when every row is gone. Encryption is
AES-SIV (RFC 5297): deterministic, so the same mail always has the same link, and
safe without a nonce to keep. The key comes from ADDRESS_KEY, which never rotates.
"""

from __future__ import annotations

import base64
import re
import struct
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from massmail.conf import conf

# Delivery id (0: none) and 128-bit address key.
PAYLOAD = struct.Struct(">Q16s")
# The payload and the 16 bytes that seal it, in base64 without its padding.
TOKEN = re.compile(r"[A-Za-z0-9_-]{54}(?![A-Za-z0-9_-])")
INVALID = "This link is not valid."


class InvalidToken(ValueError):
    """The text is not a token of ours for this purpose."""


@dataclass(frozen=True, slots=True)
class Token:
    """What a public link stands for."""

    delivery_id: int
    address_key: str


def make(purpose: str, *, delivery_id: int, address_key: str) -> str:
    """The token, 54 URL-safe characters; one for another purpose does not open."""
    payload = PAYLOAD.pack(delivery_id, bytes.fromhex(address_key))
    sealed = cipher(conf.ADDRESS_KEY).encrypt(payload, [purpose.encode()])
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")


def read(purpose: str, text: str) -> Token:
    """Open a token; raises `InvalidToken` whatever is wrong with it.

    What stands behind it does not matter: mail programs take the dot, the bracket or
    the quotation mark that follows an address for a part of it.
    """
    found = TOKEN.match(text)
    if not found:
        raise InvalidToken(INVALID)
    try:
        sealed = base64.urlsafe_b64decode(found[0] + "==")
        payload = cipher(conf.ADDRESS_KEY).decrypt(sealed, [purpose.encode()])
        delivery_id, key = PAYLOAD.unpack(payload)
    except (ValueError, InvalidTag, struct.error) as error:
        raise InvalidToken(INVALID) from error
    return Token(delivery_id, key.hex())


@lru_cache(maxsize=4)
def cipher(address_key_secret: str) -> AESSIV:
    """Derives its own key: the HMAC key of addresses is used for nothing else."""
    derive = HKDF(
        algorithm=SHA256(), length=64, salt=None, info=b"massmail public tokens"
    )
    return AESSIV(derive.derive(address_key_secret.encode()))
