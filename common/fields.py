"""Text that is encrypted in the database (Fernet: AES-128-CBC with HMAC-SHA256)."""

from __future__ import annotations

import base64
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models

# Of a Fernet token: version, time, initial vector and HMAC around AES blocks.
FERNET_VERSION, FERNET_FRAME_BYTES, AES_BLOCK_BYTES = b"\x80", 57, 16


class DecryptionError(Exception):
    """A stored secret cannot be read with any of FIELD_ENCRYPTION_KEYS."""


def encryptor() -> MultiFernet:
    """The keys of the environment: the first one writes, all of them read."""
    keys = getattr(settings, "FIELD_ENCRYPTION_KEYS", None)
    if not keys:
        raise ImproperlyConfigured(
            "FIELD_ENCRYPTION_KEYS must hold at least one Fernet key."
        )
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        raise ImproperlyConfigured(
            "Each of FIELD_ENCRYPTION_KEYS must be 32 bytes in URL-safe base64."
        ) from error


class Undecryptable(str):
    """Stands for a secret whose key is missing: using it is the error.

    It keeps the ciphertext, so that saving the object writes back just what was
    read; a wrong key must never destroy what the right one could still open.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "<undecryptable secret>"


def reveal(value: str) -> str:
    """The secret itself; raises `DecryptionError` when its key is missing."""
    if isinstance(value, Undecryptable):
        raise DecryptionError(
            "A stored secret was encrypted with a key that is not in "
            "FIELD_ENCRYPTION_KEYS."
        )
    return value


def decrypted(token: str) -> str | None:
    """The secret in a stored token; None when no key opens it."""
    try:
        return encryptor().decrypt(token.encode("ascii")).decode()
    except (InvalidToken, UnicodeError):
        return None


def is_token(value: str) -> bool:
    """Whether the text has the form of a Fernet token; no password looks like one."""
    try:
        raw = base64.b64decode(value, altchars=b"-_", validate=True)
    except ValueError:
        return False
    blocks, rest = divmod(len(raw) - FERNET_FRAME_BYTES, AES_BLOCK_BYTES)
    return raw[:1] == FERNET_VERSION and blocks > 0 and rest == 0


class EncryptedTextField(models.TextField):
    """A text that only processes with the right key can read; "" stays "".

    A row whose key is missing still loads (its other columns are needed to tell
    the owner what to do); the field then holds an `Undecryptable`.
    """

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        if not value:
            return value
        secret = decrypted(value)
        return Undecryptable(value) if secret is None else secret

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        if not value or isinstance(value, Undecryptable):
            return value
        return encryptor().encrypt(value.encode()).decode("ascii")

    def to_python(self, value: Any) -> Any:
        """Also takes back the ciphertext that `value_to_string` gave (loaddata)."""
        if not value or isinstance(value, Undecryptable):
            return value
        value = super().to_python(value)
        if not is_token(value):
            return value
        secret = decrypted(value)
        return Undecryptable(value) if secret is None else secret

    def value_to_string(self, obj: models.Model) -> str:
        """Serialisers (dumpdata) get ciphertext, never the secret."""
        return self.get_prep_value(self.value_from_object(obj)) or ""

    def get_lookup(self, lookup_name: str) -> Any:
        """The ciphertext of a value differs each time: only emptiness can be asked."""
        if lookup_name not in ("isnull", "exact"):
            return None
        return super().get_lookup(lookup_name)
