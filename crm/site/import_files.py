"""Uploaded tables wait here between their check and their import."""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import signing

from crm.resources.files import Upload

SALT = "crm.import"
SECONDS_KEPT = 24 * 3600


class FileIsGone(Exception):
    """It was imported, or nobody came back for it in time."""


def keep(upload: Upload, user: Any) -> str:
    """Store the file; the ticket opens it for this user alone."""
    directory = Path(settings.IMPORT_DIR)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    sweep(directory)
    key = uuid.uuid4().hex
    (directory / key).write_bytes(upload.content)
    facts = {"key": key, "name": upload.name, "user": user.pk}
    return signing.dumps(facts, salt=SALT)


def take(ticket: str, user: Any) -> Upload:
    """Open the file and let nobody else do so: of two clicks one gets it.

    Raises FileIsGone, too, for a ticket that is not this user's.
    """
    try:
        facts = signing.loads(ticket, salt=SALT, max_age=SECONDS_KEPT)
        if facts["user"] != user.pk:
            raise FileIsGone
        path = Path(settings.IMPORT_DIR) / facts["key"]
        content = path.read_bytes()
        path.unlink()
    except (signing.BadSignature, OSError) as error:
        raise FileIsGone from error
    return Upload(facts["name"], content)


def sweep(directory: Path) -> None:
    """Personal data of those who never came back does not stay."""
    for path in directory.iterdir():
        try:
            if path.stat().st_mtime < time.time() - SECONDS_KEPT:
                path.unlink()
        except FileNotFoundError:
            continue
