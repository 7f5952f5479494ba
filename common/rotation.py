"""Stored secrets move to the first key of FIELD_ENCRYPTION_KEYS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.fernet import Fernet, InvalidToken
from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.models.functions import Cast

from common.fields import EncryptedTextField, decrypted


@dataclass
class Rotation:
    """How many secrets were written anew, and which none of the keys opens."""

    rotated: int
    unreadable: list[str]


def encrypted_fields() -> Iterator[EncryptedTextField]:
    """Of all models, so that none can be forgotten."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, EncryptedTextField):
                yield field


def rotate_secrets() -> Rotation:
    """Idempotent; may be interrupted, and may run while the site does."""
    found = Rotation(0, [])
    for field in encrypted_fields():
        rotate_field(field, found)
    return found


def rotate_field(field: EncryptedTextField, found: Rotation) -> None:
    """One conditional UPDATE per row: a secret that changed meanwhile is newer."""
    rows = field.model._base_manager.annotate(
        stored=Cast(field.attname, models.TextField())
    )
    pending = rows.exclude(stored="").values_list("pk", "stored")
    for pk, token in pending.order_by("pk").iterator():
        if is_of_first_key(token):
            continue
        secret = decrypted(token)
        if secret is None:
            label = f"{field.model._meta.label} {pk} {field.attname}"
            found.unreadable.append(label)
        else:
            same = rows.filter(pk=pk, stored=token)
            found.rotated += same.update(**{field.attname: secret})


def is_of_first_key(token: str) -> bool:
    try:
        Fernet(settings.FIELD_ENCRYPTION_KEYS[0]).decrypt(token.encode())
    except InvalidToken:
        return False
    return True
