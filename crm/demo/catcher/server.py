"""The SMTP server that keeps what it gets: nothing ever leaves the machine."""

from __future__ import annotations

import asyncio
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.parser import BytesHeaderParser
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from common.utils.helpers import one_line
from crm.demo.catcher.store import MailWriter

HOST = "127.0.0.1"
# A picture or two and an attachment, in bytes.
LARGEST_MAIL = 40 * 1024 * 1024


class StoringHandler:
    """aiosmtpd's hooks: take every recipient, store each mail once per recipient."""

    def __init__(self, writer: MailWriter) -> None:
        self.writer = writer

    async def handle_EHLO(
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        """Offers PIPELINING (RFC 2920): commands are read one by one from a buffer."""
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", responses[-1]]

    async def handle_DATA(
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        raw = bytes(envelope.original_content or b"")
        headers = BytesHeaderParser().parsebytes(raw.partition(b"\r\n\r\n")[0])
        for recipient in envelope.rcpt_tos:
            number = self.writer.add(
                sender=envelope.mail_from or "",
                recipient=recipient,
                message_id=one_line(headers.get("Message-ID", "")),
                subject=readable(headers.get("Subject", "")),
                raw=raw,
            )
        return f"250 2.0.0 caught as {number}"


class FastSMTP(SMTP):
    """aiosmtpd reads a mail line by line; this one takes what has come at once.

    Some hundred lines a mail would hold the demo's sender back.
    """

    # Of the reader's buffer; commands keep their own limit.
    line_length_limit = LARGEST_MAIL

    async def smtp_DATA(self, arg: str | None) -> None:
        if await self.check_helo_needed():
            return
        if not self.envelope or not self.envelope.rcpt_tos:
            await self.push("503 5.5.1 Error: need RCPT command")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        content = unstuffed(await self.read_mail())
        self.envelope.content = self.envelope.original_content = content
        status = await self.event_handler.handle_DATA(self, self.session, self.envelope)
        self._set_post_data_state()
        await self.push(status)

    async def read_mail(self) -> bytes:
        """Everything before the lone dot, still dot-stuffed."""
        received = bytearray()
        while not received.endswith(b"\r\n.\r\n") and received != b".\r\n":
            received += await self._reader.readuntil(b".\r\n")
        return bytes(received[:-3])


def unstuffed(content: bytes) -> bytes:
    """RFC 5321 §4.5.2: a dot at the beginning of a line was doubled by the client."""
    return content.removeprefix(b".").replace(b"\r\n.", b"\r\n")


def readable(header: str) -> str:
    """The header without encoded words, on one line; as it came if it is broken."""
    try:
        return one_line(make_header(decode_header(header)))
    except (HeaderParseError, LookupError, UnicodeError):
        return one_line(header)


async def serve(directory: Path, port: int) -> None:
    """Catch mail until the task is cancelled; raises OSError for a taken port."""
    loop = asyncio.get_running_loop()
    writer = MailWriter(directory)
    handler = StoringHandler(writer)
    server = await loop.create_server(
        lambda: FastSMTP(
            handler,
            hostname="catcher",
            ident="ESMTP",
            data_size_limit=LARGEST_MAIL,
            loop=loop,
        ),
        host=HOST,
        port=port,
    )
    try:
        async with server:
            await server.serve_forever()
    finally:
        writer.close()
