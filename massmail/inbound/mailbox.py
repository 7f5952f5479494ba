"""Reading a mailbox without leaving a trace: nothing is moved, deleted or marked.

Folders are opened by EXAMINE and mails fetched by BODY.PEEK, so a mail that was unread
stays unread.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from massmail.backends.imap import ImapSession
from massmail.backends.imap_failures import ImapFailure, ImapReason, translated
from massmail.backends.imap_line import USUAL_BYTES
from massmail.inbound.folders import Folder, known_folders
from massmail.inbound.summary import FIELDS, HEADER_BYTES, Summary

_SUMMARY = f"BODY.PEEK[HEADER.FIELDS ({' '.join(FIELDS)})]<0.{HEADER_BYTES}>"
# What an answer has besides the mail.
MARGIN_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Opened:
    """What numbers mean in a folder: only together with `uid_validity` they last."""

    uid_validity: int
    uid_next: int


class Mailbox:
    """A session, step by step; each step has its time, and raises `ImapFailure`."""

    def __init__(self, session: ImapSession, *, step_seconds: float) -> None:
        self._session = session
        self._seconds = step_seconds
        self._is_in_step = True

    def folders(self) -> list[Folder]:
        with self._step():
            return known_folders(self._session.list_folders())

    def open(self, name: str) -> Opened:
        with self._step(ImapReason.FOLDER_REFUSED):
            answer = self._session.select_folder(name, readonly=True)
            validity = int(answer[b"UIDVALIDITY"])
            return Opened(validity, int(answer.get(b"UIDNEXT") or 0))

    def new_uids(self, *, after: int, since: dt.date) -> list[int]:
        """Of mails that came since that day, in the order in which they came."""
        with self._step():
            found = self._session.search(["UID", f"{after + 1}:*", "SINCE", since])
        # "n:*" finds the last mail even where its number is lower (RFC 3501 §9).
        return sorted({uid for uid in found if uid > after})

    def last_uid(self) -> int:
        """Of a server that does not say which number is next."""
        with self._step():
            return max(self._session.search(["UID", "*"]), default=0)

    def summaries(self, uids: Sequence[int]) -> list[Summary]:
        """In the order of their numbers; what was deleted meanwhile is left out."""
        size = len(uids) * (HEADER_BYTES + 1024) + MARGIN_BYTES
        with self._step(size=size):
            found = self._session.fetch(uids, ["RFC822.SIZE", _SUMMARY])
            return [
                Summary(uid, int(found[uid].get(b"RFC822.SIZE") or 0), body(found[uid]))
                for uid in sorted(found)
            ]

    def mail(self, uid: int, *, max_bytes: int) -> bytes | None:
        """The mail, of a huge one its beginning; None when it is gone.

        Asked for in these words even where it is said to be small: not every server
        counts as it sends.
        """
        with self._step(size=max_bytes + MARGIN_BYTES):
            found = self._session.fetch([uid], [f"BODY.PEEK[]<0.{max_bytes}>"])
            return body(found[uid]) if uid in found else None

    def holds(self, message_id: str, *, since: dt.date) -> bool:
        """Whether the open folder has a mail with that Message-ID."""
        criteria = ["SINCE", since, "HEADER", "Message-ID", message_id]
        with self._step():
            return bool(self._session.search(criteria))

    def close(self) -> None:
        """With a goodbye, where the server can be expected to listen."""
        if self._is_in_step:
            self._session.end()
        else:
            self._session.line.close()

    @contextmanager
    def _step(
        self,
        refusal: ImapReason = ImapReason.SERVER_REFUSED,
        size: int | None = None,
    ) -> Iterator[None]:
        self._session.line.allow(self._seconds, size or USUAL_BYTES)
        self._is_in_step = False
        try:
            with translated(refusal):
                yield
            self._is_in_step = True
        except ImapFailure as failure:
            # A refusal is an answer like any other.
            self._is_in_step = failure.reason == refusal
            raise


def body(fetched: dict[bytes, Any]) -> bytes:
    """The one text that was asked for, whatever the server calls it."""
    texts: Iterable[object] = (
        value for key, value in fetched.items() if key.startswith(b"BODY[")
    )
    found = next(iter(texts), b"")
    return found if isinstance(found, bytes) else str(found or "").encode()
