"""Bytes over one TCP connection, in clear or in TLS, without ever blocking.

TLS runs over memory buffers, so that in both cases the bytes that go to the kernel are
counted here: this is what tells "safe to send again" from "uncertain".
"""

from __future__ import annotations

import selectors
import socket
import ssl
import time
from collections.abc import Generator

from massmail.backends.phases import Wait
from massmail.backends.replies import MAX_LINE_BYTES, MalformedReply

_CHUNK = 65536
_CLOSED_BY_SERVER = "the server closed the connection"

Waiting = Generator[Wait, None, None]


class Channel:
    """A connected, non-blocking socket with buffers on both sides.

    Methods that may have to wait are generators that yield `Wait`. Every fault is an
    OSError (ssl.SSLError is one); only `read_line` also raises MalformedReply.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._tls: ssl.SSLObject | None = None
        self._encrypted_in = ssl.MemoryBIO()
        self._encrypted_out = ssl.MemoryBIO()
        self._unread = bytearray()
        self._unsent = bytearray()
        self._accepted = 0
        self._offered = 0
        self._has_ended = False
        self.is_closed = False

    @property
    def is_encrypted(self) -> bool:
        return self._tls is not None

    @property
    def local_host(self) -> str:
        return self._sock.getsockname()[0]

    @property
    def peer_host(self) -> str:
        return self._sock.getpeername()[0]

    def queue(self, data: bytes) -> int:
        """Append to what is to be written; returns the position of its end."""
        if self._tls is None:
            self._unsent += data
        else:
            self._encrypt(self._tls, data)
        return self._accepted + len(self._unsent)

    def has_passed(self, position: int) -> bool:
        """Whether the bytes before the position may have reached the kernel."""
        return max(self._accepted, self._offered) >= position

    def flush(self, deadline: float) -> Waiting:
        """Hand everything queued to the kernel, nothing of it after the deadline.

        Room in the kernel may be noticed late, by a process that was stopped.
        """
        while self._unsent:
            if not self._send():
                yield Wait(self._sock, selectors.EVENT_WRITE, deadline)
                if time.monotonic() >= deadline:
                    raise TimeoutError

    def read_line(self, deadline: float) -> Generator[Wait, None, bytes]:
        """One line with its end; raises MalformedReply for an endless one."""
        while (end := self._unread.find(b"\n")) < 0:
            if len(self._unread) > MAX_LINE_BYTES:
                break
            yield from self._receive(deadline)
        if not 0 <= end < MAX_LINE_BYTES:
            raise MalformedReply("a line is too long")
        line = bytes(self._unread[: end + 1])
        del self._unread[: end + 1]
        return line

    def read_some(self, deadline: float) -> Generator[Wait, None, bytes]:
        """All that is here; waits for at least one byte."""
        while not self._unread:
            yield from self._receive(deadline)
        data = bytes(self._unread)
        self._unread.clear()
        return data

    def line_at_hand(self) -> bytes | None:
        """The next line, if it is here already; `take` removes it."""
        end = self._unread.find(b"\n", 0, MAX_LINE_BYTES)
        return None if end < 0 else bytes(self._unread[: end + 1])

    def take(self, line: bytes) -> None:
        del self._unread[: len(line)]

    def is_quiet(self) -> bool:
        """Nothing has come that was not asked for; raises OSError when it is gone."""
        if not self._unread and (data := self._take_ready()) is not None:
            self._absorb(data)
        if self._has_ended and not self._unread:
            raise ConnectionResetError(_CLOSED_BY_SERVER)
        return not self._unread

    def start_tls(
        self, context: ssl.SSLContext, host_name: str, deadline: float
    ) -> Waiting:
        """Turn on TLS and verify the certificate; raises ssl.SSLError.

        What came in clear is forgotten first: an attacker may have put answers behind
        the one to STARTTLS (CVE-2011-0411).
        """
        self._unread.clear()
        tls = context.wrap_bio(
            self._encrypted_in, self._encrypted_out, server_hostname=host_name
        )
        while not self._shake_hands(tls):
            yield from self.flush(deadline)
            yield Wait(self._sock, selectors.EVENT_READ, deadline)
            if (data := self._take_ready()) is not None:
                self._encrypted_in.write(data)
        yield from self.flush(deadline)
        self._tls = tls
        # The first answer may have come together with the end of the handshake.
        self._decrypt(tls)

    def close(self) -> None:
        """Drop the connection as it is; never raises."""
        self.is_closed = True
        self._sock.close()

    def _send(self) -> int:
        # Noted before the call: an interruption right after it must not make handed
        # over bytes look unsent. A call that raises OSError has taken none of them.
        self._offered = self._accepted + len(self._unsent)
        try:
            count = self._sock.send(self._unsent)
        except (BlockingIOError, InterruptedError):
            count = 0
        except OSError:
            self._offered = self._accepted
            raise
        self._accepted += count
        self._offered = self._accepted
        del self._unsent[:count]
        return count

    def _receive(self, deadline: float) -> Waiting:
        if self._has_ended:
            raise ConnectionResetError(_CLOSED_BY_SERVER)
        yield Wait(self._sock, selectors.EVENT_READ, deadline)
        if (data := self._take_ready()) is not None:
            self._absorb(data)

    def _take_ready(self) -> bytes | None:
        try:
            data = self._sock.recv(_CHUNK)
        except (BlockingIOError, InterruptedError):
            return None
        if not data:
            raise ConnectionResetError(_CLOSED_BY_SERVER)
        return data

    def _absorb(self, data: bytes) -> None:
        if self._tls is None:
            self._unread += data
        else:
            self._encrypted_in.write(data)
            self._decrypt(self._tls)

    def _decrypt(self, tls: ssl.SSLObject) -> None:
        try:
            while clear := tls.read(_CHUNK):
                self._unread += clear
            self._has_ended = True
        except ssl.SSLWantReadError:
            self._collect()

    def _encrypt(self, tls: ssl.SSLObject, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[tls.write(rest) :]
        self._collect()

    def _shake_hands(self, tls: ssl.SSLObject) -> bool:
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        finally:
            self._collect()
        return True

    def _collect(self) -> None:
        self._unsent += self._encrypted_out.read()
