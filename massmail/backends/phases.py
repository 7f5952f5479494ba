"""The words of an SMTP conversation: where it is, what was answered, what failed."""

from __future__ import annotations

import socket
from enum import StrEnum
from typing import NamedTuple

from massmail.exceptions import MassmailError


class Phase(StrEnum):
    """Where a conversation is; names the step that an answer or a failure belongs to.

    `BODY` is the content up to the last byte before the final dot. `DOT` begins when
    the final dot may have reached the kernel and lasts until its answer is read.
    """

    CONNECT = "connect"
    BANNER = "banner"
    EHLO = "ehlo"
    STARTTLS = "starttls"
    TLS = "tls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"
    DOT = "dot"
    RSET = "rset"
    QUIT = "quit"


class Reply(NamedTuple):
    """A complete answer of the server (RFC 5321 section 4.2).

    `enhanced` is the status code of RFC 3463 ("5.1.1"), blank when there is none.
    `text` holds the words of all lines without their codes: printable, bounded.
    """

    code: int
    enhanced: str = ""
    text: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (str(self.code), self.enhanced, self.text)))

    @property
    def is_positive(self) -> bool:
        return 200 <= self.code < 300

    @property
    def is_temporary(self) -> bool:
        return 400 <= self.code < 500


class SmtpFailure(MassmailError):
    """A step did not succeed.

    `reply` is None when there is no answer: connection lost, time-out, TLS error or a
    refusal by this client. `detail` then begins with a `causes.Cause`.
    """

    def __init__(
        self, phase: Phase, reply: Reply | None = None, detail: str = ""
    ) -> None:
        super().__init__(f"{phase}: {reply or detail}")
        self.phase = phase
        self.reply = reply
        self.detail = detail

    @property
    def after_dot(self) -> bool:
        """The message was handed over and its fate is unknown."""
        return self.phase is Phase.DOT and self.reply is None


class Wait(NamedTuple):
    """What a conversation waits for before it can go on.

    `events` is EVENT_READ or EVENT_WRITE of `selectors`, `deadline` a time of
    `time.monotonic()`.
    """

    sock: socket.socket
    events: int
    deadline: float


MAX_WORDS = 500


def printable(text: str) -> str:
    """One line of at most 500 printable characters."""
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(text.split())[:MAX_WORDS]
