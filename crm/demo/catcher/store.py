"""Caught mail on disk: the mails one after the other in one file, and an index.

Both are append-only; 100,000 files of their own would take longer than the sending.
One process writes, any number of others read.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

MAILS, INDEX = "mails", "index.sqlite3"
LARGEST_NUMBER = 2**63 - 1  # of SQLite
SCHEMA = """
CREATE TABLE IF NOT EXISTS mail (
    number INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    received_at TEXT NOT NULL,
    position INTEGER NOT NULL,
    size INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS mail_by_message_id ON mail (message_id);
"""
COLUMNS = "number, message_id, sender, recipient, subject, received_at, position, size"
Row = tuple[int, str, str, str, str, str, int, int]

INSERT = """
INSERT INTO mail
    (message_id, sender, recipient, subject, received_at, position, size)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""


@dataclass(frozen=True, slots=True)
class CaughtMail:
    """A line of the index; numbers count from 1, position and size are in bytes."""

    number: int
    message_id: str
    sender: str
    recipient: str
    subject: str
    received_at: dt.datetime
    position: int
    size: int


class MailWriter:
    """The one process that stores mail."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._mails = (directory / MAILS).open("ab")
        self._index = sqlite3.connect(directory / INDEX, isolation_level=None)
        # Mail that a power cut takes from a demo's catcher is no loss.
        self._index.execute("PRAGMA journal_mode=WAL")
        self._index.execute("PRAGMA synchronous=OFF")
        self._index.executescript(SCHEMA)

    def add(
        self, *, sender: str, recipient: str, message_id: str, subject: str, raw: bytes
    ) -> int:
        """Store a mail for one recipient; returns its number.

        The mail comes first: what the index names can always be read.
        """
        position = self._mails.seek(0, os.SEEK_END)
        self._mails.write(raw)
        self._mails.flush()
        received_at = dt.datetime.now(dt.UTC).isoformat()
        values = (
            message_id,
            sender,
            recipient,
            subject,
            received_at,
            position,
            len(raw),
        )
        cursor = self._index.execute(INSERT, values)
        return cursor.lastrowid or 0

    def close(self) -> None:
        self._index.close()
        self._mails.close()


class MailReader:
    """What the pages show; an absent store is an empty one."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def count(self, search: str = "") -> int:
        condition, values = matching(search)
        query = f"SELECT count(*) FROM mail {condition}"  # noqa: S608
        rows = self._rows(query, values)
        return rows[0][0] if rows else 0

    def page(self, *, search: str = "", offset: int, limit: int) -> list[CaughtMail]:
        """The latest first."""
        condition, values = matching(search)
        query = (
            f"SELECT {COLUMNS} FROM mail {condition} "  # noqa: S608
            "ORDER BY number DESC LIMIT ? OFFSET ?"
        )
        return [to_mail(row) for row in self._rows(query, [*values, limit, offset])]

    def get(self, number: int) -> CaughtMail | None:
        if number > LARGEST_NUMBER:
            return None
        query = f"SELECT {COLUMNS} FROM mail WHERE number = ?"  # noqa: S608
        rows = self._rows(query, [number])
        return to_mail(rows[0]) if rows else None

    def raw(self, mail: CaughtMail) -> bytes:
        """The mail as it came, with CRLF, not dot-stuffed."""
        with (self.directory / MAILS).open("rb") as mails:
            mails.seek(mail.position)
            return mails.read(mail.size)

    def copies(self, message_ids: Iterable[str]) -> dict[str, int]:
        """How often each of these (at most some thousand) Message-IDs was caught."""
        wanted = list(message_ids)
        marks = ",".join("?" * len(wanted))
        query = (
            "SELECT message_id, count(*) FROM mail "  # noqa: S608
            f"WHERE message_id IN ({marks}) GROUP BY message_id"
        )
        return dict(self._rows(query, wanted))

    def _rows(self, query: str, values: list) -> list[tuple]:
        path = self.directory / INDEX
        if not path.exists():
            return []
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as index:
            return index.execute(query, values).fetchall()


def matching(search: str) -> tuple[str, list[str]]:
    """Part of the recipient's address, or of the subject."""
    if not search:
        return "", []
    escaped = search.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    condition = r"WHERE recipient LIKE ? ESCAPE '\' OR subject LIKE ? ESCAPE '\'"
    return condition, [f"%{escaped}%"] * 2


def to_mail(row: Row) -> CaughtMail:
    return CaughtMail(*row[:5], dt.datetime.fromisoformat(row[5]), *row[6:])


def empty_store(directory: Path) -> None:
    """Throw all caught mail away."""
    shutil.rmtree(directory, ignore_errors=True)
