"""One connection of the test server: the protocol, with the script's faults in it."""

from __future__ import annotations

import base64
import contextlib
import socket
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

from massmail.backends.phases import Phase
from massmail.tests.smtp_logins import Login

if TYPE_CHECKING:
    from massmail.tests.smtp_faults import Fault
    from massmail.tests.smtp_server import FaultServer

_END_OF_CONTENT = b"\r\n.\r\n"


class Ended(Exception):
    """The connection is over."""


class Session:
    """Talks to one client until it goes, says QUIT or meets a fault that ends it."""

    def __init__(self, server: FaultServer, sock: socket.socket) -> None:
        self._server = server
        self._sock = sock
        self._buffer = bytearray()
        self._mail_from = ""
        self._recipients: list[str] = []
        self._in_transaction = False
        self._is_encrypted = False
        self._user = ""
        self._messages = 0
        self._refused_to = ""

    def run(self) -> None:
        with contextlib.suppress(Ended, OSError):
            self._talk()
        self._sock.close()

    def abort(self) -> None:
        """End the connection from another thread."""
        with contextlib.suppress(OSError):
            # Not the method of SSLSocket, which drops its TLS state under the reader.
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)

    def _talk(self) -> None:
        self._meet(Phase.CONNECT)
        if self._server.offer.implicit_tls:
            self._encrypt()
        self._answer(Phase.BANNER, "220 test.example ESMTP")
        while True:
            line = self._read_line()
            verb = line.partition(" ")[0].upper()
            self._handler(verb)(line)

    def _handler(self, verb: str) -> Callable[[str], None]:
        unknown = self._do_unknown
        return getattr(self, f"_do_{verb.lower()}", unknown) if verb else unknown

    def _do_unknown(self, line: str) -> None:
        self._send("500 5.5.2 unknown command")

    def _do_ehlo(self, line: str) -> None:
        self._forget()
        if not self._server.offer.knows_ehlo:
            self._answer(Phase.EHLO, "502 5.5.2 not known")
            return
        features = ["test.example", *self._features()]
        lines = [f"250-{feature}" for feature in features[:-1]]
        self._answer(Phase.EHLO, "\r\n".join([*lines, f"250 {features[-1]}"]))

    def _do_helo(self, line: str) -> None:
        self._forget()
        self._answer(Phase.EHLO, "250 test.example")

    def _features(self) -> list[str]:
        offer, features = self._server.offer, ["ENHANCEDSTATUSCODES", "8BITMIME"]
        if offer.pipelining:
            features.append("PIPELINING")
        if offer.size is not None:
            features.append(f"SIZE {offer.size}")
        if offer.starttls and not self._is_encrypted:
            features.append("STARTTLS")
        if offer.auth:
            features.append("AUTH " + " ".join(offer.mechanisms))
        return features

    def _do_starttls(self, line: str) -> None:
        if self._answer(Phase.STARTTLS, "220 2.0.0 go ahead"):
            self._buffer.clear()
            self._encrypt()

    def _encrypt(self) -> None:
        self._meet(Phase.TLS)
        context = self._server.tls_context
        if context is None:
            raise ValueError("A server with TLS needs a tls_context.")
        tls = context.wrap_socket(
            self._sock, server_side=True, do_handshake_on_connect=False
        )
        self._sock = tls
        tls.do_handshake()
        self._is_encrypted = True

    def _do_auth(self, line: str) -> None:
        _, mechanism, *initial = line.split(" ")
        if mechanism.upper() not in self._server.offer.mechanisms:
            self._send("504 5.5.4 no such mechanism")
            return
        login = Login(self._server.credentials, self._server.tokens, self._challenge)
        user = login.check(mechanism.upper(), *initial)
        if user is None:
            self._answer(Phase.AUTH, "535 5.7.8 authentication failed")
        elif self._answer(Phase.AUTH, "235 2.7.0 welcome"):
            self._user = user

    def _challenge(self, words: str) -> str:
        self._send(f"334 {base64.b64encode(words.encode()).decode()}")
        return self._read_line()

    def _do_mail(self, line: str) -> None:
        offer = self._server.offer
        self._mail_from = _path(line)
        if offer.max_messages is not None and self._messages >= offer.max_messages:
            self._send("421 4.7.0 too many messages in this connection")
            raise Ended
        if (self._server.credentials or self._server.tokens) and not self._user:
            self._send("530 5.7.0 authentication required")
        elif self._answer(Phase.MAIL, "250 2.1.0 ok"):
            self._in_transaction = True

    def _do_rcpt(self, line: str) -> None:
        if not self._in_transaction:
            self._send("503 5.5.1 MAIL first")
            return
        to = _path(line)
        if self._answer(Phase.RCPT, "250 2.1.5 ok", to):
            self._recipients.append(to)
        else:
            self._refused_to = to

    def _do_data(self, line: str) -> None:
        offer, recipients = self._server.offer, self._recipients
        if not recipients and not offer.data_without_recipients:
            self._send("554 5.5.1 no valid recipients")
            return
        to = recipients[-1] if recipients else self._refused_to
        if not self._answer(Phase.DATA, "354 go ahead", to):
            return
        self._meet(Phase.BODY, to)
        content = self._read_content()
        self._take(content, to)
        self._forget()

    def _take(self, content: bytes, to: str) -> None:
        if not self._recipients:
            self._send("554 5.5.1 no valid recipients")
            return
        script = self._server.script
        fault = script.next_fault(Phase.DOT, self._mail_from, to)
        if fault is None or fault.after_accept:
            self._server.accept(self._mail_from, self._recipients, content)
            self._messages += 1
        self._carry_out(fault, "250 2.0.0 queued")

    def _do_rset(self, line: str) -> None:
        self._forget()
        self._answer(Phase.RSET, "250 2.0.0 ok")

    def _do_quit(self, line: str) -> None:
        self._answer(Phase.QUIT, "221 2.0.0 bye")
        raise Ended

    def _forget(self) -> None:
        self._mail_from = self._refused_to = ""
        self._recipients = []
        self._in_transaction = False

    def _meet(self, phase: Phase, to: str = "") -> None:
        self._answer(phase, "", to)

    def _answer(self, phase: Phase, usual: str, to: str = "") -> bool:
        """Answer as the script or else as usual; whether the client may go on."""
        fault = self._server.script.next_fault(phase, self._mail_from, to)
        return self._carry_out(fault, usual)

    def _carry_out(self, fault: Fault | None, usual: str) -> bool:
        answer = usual
        if fault is not None:
            self._server.stopping.wait(fault.delay_seconds)
            if fault.hang:
                self._server.stopping.wait()
                raise Ended
            answer = fault.reply or ("" if fault.drop else usual)
        if answer:
            self._send(answer)
        if fault is not None and fault.drop:
            self._drop(fault.drop)
        return answer[:1] in ("", "2", "3")

    def _drop(self, how: str) -> None:
        if how == "reset":
            linger = struct.pack("ii", 1, 0)
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        raise Ended

    def _send(self, words: str) -> None:
        self._sock.sendall(words.encode("utf-8", "surrogateescape") + b"\r\n")
        if words.startswith("421"):
            raise Ended

    def _read_line(self) -> str:
        while b"\n" not in self._buffer:
            self._receive()
        line, _, self._buffer = self._buffer.partition(b"\n")
        text = line.rstrip(b"\r").decode("utf-8", "replace")
        with self._server.lock:
            self._server.commands.append(text)
        return text

    def _read_content(self) -> bytes:
        # The line end before it is that of DATA if there is no content at all.
        self._buffer[:0] = b"\r\n"
        searched = 0
        while (end := self._buffer.find(_END_OF_CONTENT, searched)) < 0:
            searched = max(0, len(self._buffer) - len(_END_OF_CONTENT))
            self._receive()
        content = bytes(self._buffer[: end + 2])
        del self._buffer[: end + len(_END_OF_CONTENT)]
        return content.replace(b"\r\n.", b"\r\n")[2:]

    def _receive(self) -> None:
        data = self._sock.recv(65536)
        if not data:
            raise Ended
        if self._server.keep_chunks:
            with self._server.lock:
                self._server.chunks.append(data)
        self._buffer += data


def _path(line: str) -> str:
    """The address of `MAIL FROM:<a@b> SIZE=1`."""
    return line.partition("<")[2].rpartition(">")[0]
