"""Commands and content as they go on the wire; nothing can be smuggled into them."""

from __future__ import annotations

import re
from typing import NamedTuple

from massmail.backends.causes import Cause
from massmail.backends.phases import Phase, SmtpFailure

FINAL_DOT = b".\r\n"

# A space or an angle bracket would end the path and begin another parameter.
_MAILBOX = re.compile(
    r"""(?: "(?:[^"\\<>\x00-\x1f\x7f]|\\[ -;=?-~])*" | [^\s"<>\x00-\x1f\x7f]+ )
        @ [^\s"<>@\x00-\x1f\x7f]+""",
    re.VERBOSE,
)


class Transaction(NamedTuple):
    """The envelope of one message; `size` in bytes, before dot-stuffing."""

    mail_from: str
    rcpt_to: str
    size: int

    def check(self) -> None:
        """Refuse, before anything is written, what must not go on the wire.

        Raises ValueError for what is no address (control characters, spaces, angle
        brackets) and SmtpFailure for one outside ASCII: messages are 7-bit clean, so
        SMTPUTF8 is never used, and domains come as A-labels. That failure has no
        reply, since the server said nothing; the connection stays usable.
        """
        if self.mail_from and not _MAILBOX.fullmatch(self.mail_from):
            raise ValueError("The sender is no address.")
        if not _MAILBOX.fullmatch(self.rcpt_to):
            raise ValueError("The recipient is no address.")
        if not self.mail_from.isascii():
            raise SmtpFailure(Phase.MAIL, None, Cause.SENDER_NOT_ASCII.says())
        if not self.rcpt_to.isascii():
            raise SmtpFailure(Phase.RCPT, None, Cause.RECIPIENT_NOT_ASCII.says())

    @property
    def is_sound(self) -> bool:
        """Whether `check` has nothing against it."""
        try:
            self.check()
        except (ValueError, SmtpFailure):
            return False
        return True

    def mail_command(self, *, with_size: bool) -> bytes:
        size = f" SIZE={self.size:d}" if with_size else ""
        return f"MAIL FROM:<{self.mail_from}>{size}\r\n".encode("ascii")

    def rcpt_command(self) -> bytes:
        return f"RCPT TO:<{self.rcpt_to}>\r\n".encode("ascii")


def dot_stuffed(payload: bytes) -> bytes:
    """The content for the wire without its final dot (RFC 5321 section 4.5.2).

    Line ends in `payload` must be CRLF already; a missing last one is added.
    """
    if payload[-2:] != b"\r\n":
        payload += b"\r\n"
    # Ours have no such line, and to look takes half as long as to replace.
    if b"\r\n." in payload:
        payload = payload.replace(b"\r\n.", b"\r\n..")
    return b"." + payload if payload[:1] == b"." else payload
