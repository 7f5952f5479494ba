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


def open_kept(ticket: str, user: Any) -> Upload:
    """Raises FileIsGone, too, for a ticket that is not this user's."""
    try:
        facts = signing.loads(ticket, salt=SALT, max_age=SECONDS_KEPT)
        if facts["user"] != user.pk:
            raise FileIsGone
        content = (Path(settings.IMPORT_DIR) / facts["key"]).read_bytes()
    except (signing.BadSignature, OSError) as error:
        raise FileIsGone from error
    return Upload(facts["name"], content)


def discard(ticket: str) -> None:
    """After the import; the ticket is one that `open_kept` took."""
    facts = signing.loads(ticket, salt=SALT)
    (Path(settings.IMPORT_DIR) / facts["key"]).unlink(missing_ok=True)


def sweep(directory: Path) -> None:
    """Personal data of those who never came back does not stay."""
    for path in directory.iterdir():
        try:
            if path.stat().st_mtime < time.time() - SECONDS_KEPT:
                path.unlink()
        except FileNotFoundError:
            continue
