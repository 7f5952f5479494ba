"""The bytes of a conversation with an IMAP server, as `imaplib` wants to have them.

`imaplib` waits for each packet anew and takes whatever comes. Here a step has one
moment at which it must be over, and a number of bytes that it may bring: a server that
drips, or never ends, is a failure like any other.
"""

from __future__ import annotations

import imaplib
import ssl
import time
from typing import Any

from massmail.backends.channel import Channel
from massmail.backends.driving import drive

KILOBYTE = 1024
# Of a step that brings lists and numbers, and nobody's mail.
USUAL_BYTES = 8 * KILOBYTE * KILOBYTE


class ImapLine:
    """A connected channel, with limits that `allow` sets for the next step."""

    def __init__(self, channel: Channel, deadline: float) -> None:
        self._channel = channel
        self._deadline = deadline
        self._bytes_left = USUAL_BYTES
        self._buffer = bytearray()

    def allow(self, seconds: float, size: int = USUAL_BYTES) -> None:
        self._deadline = time.monotonic() + seconds
        self._bytes_left = size

    @property
    def is_private(self) -> bool:
        """Nobody on the way can read along."""
        return self._channel.is_encrypted

    @property
    def peer_host(self) -> str:
        return self._channel.peer_host

    def send(self, data: bytes) -> None:
        self._channel.queue(data)
        drive(self._channel.flush(self._deadline))

    def read(self, size: int) -> bytes:
        if size > self._bytes_left + len(self._buffer):
            raise too_much()
        while len(self._buffer) < size:
            self._receive()
        return self._take(size)

    def readline(self) -> bytes:
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            self._receive()
        return self._take(end + 1)

    def start_tls(self, context: ssl.SSLContext, host_name: str) -> None:
        # What was read ahead was said in clear, and may be anybody's.
        self._buffer.clear()
        drive(self._channel.start_tls(context, host_name, self._deadline))

    def close(self) -> None:
        self._channel.close()

    def _receive(self) -> None:
        data = drive(self._channel.read_some(self._deadline))
        self._bytes_left -= len(data)
        if self._bytes_left < 0:
            raise too_much()
        self._buffer += data

    def _take(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken


def too_much() -> imaplib.IMAP4.error:
    return imaplib.IMAP4.abort("The server sends more than was asked for.")


class ImapDialogue(imaplib.IMAP4):
    """`imaplib` over a line that is connected already."""

    def __init__(self, line: ImapLine, host_name: str) -> None:
        self.line = line
        super().__init__(host_name)

    def open(self, host: str = "", port: int = 0, timeout: Any = None) -> None:
        self.host, self.port = host, port
        # imapclient asks for it, to set a time-out that the line has of its own.
        self.sock: Any = None

    def read(self, size: int) -> bytes:
        return self.line.read(size)

    def readline(self) -> bytes:
        return self.line.readline()

    def send(self, data: Any) -> None:
        self.line.send(bytes(data))

    def shutdown(self) -> None:
        self.line.close()

    def starttls(self, ssl_context: ssl.SSLContext | None = None) -> Any:
        answer = self._simple_command("STARTTLS")
        if answer[0] == "OK" and ssl_context is not None:
            # Answers that came ahead of the encryption count for nothing.
            self.untagged_responses.clear()
            self.line.start_tls(ssl_context, self.host)
            self._get_capabilities()
        return answer
