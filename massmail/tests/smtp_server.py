"""A real SMTP server on loopback that fails where its script says.

In a test::

    fault = Fault(Phase.RCPT, to="gone@*", reply="550 5.1.1 unknown")
    with FaultServer(faults=[fault]) as server:
        ...  # server.host, server.port
    assert [message.rcpt for message in server.accepted] == [...]

As a process, for tests that kill its clients::

    python -m massmail.tests.smtp_server --port 2525 --log accepted.jsonl --script '[]'
"""

from __future__ import annotations

import argparse
import json
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from massmail.tests.smtp_faults import Fault, Script, faults_from_json
from massmail.tests.smtp_log import Accepted, Log, read_log
from massmail.tests.smtp_session import Session

__all__ = ["Accepted", "Fault", "FaultServer", "Offer", "faults_from_json", "read_log"]


@dataclass(frozen=True)
class Offer:
    """What the server can do and how long it plays along."""

    pipelining: bool = True
    size: int | None = 50_000_000
    starttls: bool = False
    implicit_tls: bool = False
    auth: bool = True
    mechanisms: tuple[str, ...] = ("PLAIN", "LOGIN")
    # 421 at the MAIL after this many messages of one connection.
    max_messages: int | None = None
    # Answers 354 to DATA even if every recipient was refused.
    data_without_recipients: bool = False
    knows_ehlo: bool = True


class FaultServer:
    """Listens while the context is open; one thread per connection.

    `credentials` are user → password, `tokens` user → XOAUTH2 bearer token; without
    either, mail is taken without login.
    """

    def __init__(
        self,
        *,
        faults: Iterable[Fault] = (),
        seed: int = 0,
        offer: Offer | None = None,
        credentials: Mapping[str, str] | None = None,
        tokens: Mapping[str, str] | None = None,
        tls_context: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        log_path: Path | None = None,
        keep_chunks: bool = False,
    ) -> None:
        self.script = Script(faults, seed=seed)
        self.offer = offer or Offer()
        self.credentials = dict(credentials or {})
        self.tokens = dict(tokens or {})
        self.tls_context = tls_context
        self.host = host
        self.port = port
        self.log = Log(log_path)
        self.lock = threading.Lock()
        self._changed = threading.Condition(self.lock)
        # Every line of every client, logins included, in the order of arrival.
        self.commands: list[str] = []
        # With `keep_chunks` what came in, as it came, to see what one write holds.
        self.chunks: list[bytes] = []
        self.keep_chunks = keep_chunks
        self.connections = 0
        self.stopping = threading.Event()
        self._open: set[Session] = set()
        self._threads: list[threading.Thread] = []
        self._listener: socket.socket | None = None

    @property
    def accepted(self) -> list[Accepted]:
        with self.log.lock:
            return list(self.log.messages)

    @property
    def open_connections(self) -> int:
        with self.lock:
            return len(self._open)

    def wait_until_idle(self, seconds: float = 30.0) -> bool:
        """Until all clients have gone and what they sent is worked off."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._open, seconds)

    def accept(self, mail_from: str, recipients: Iterable[str], content: bytes) -> None:
        for rcpt in recipients:
            self.log.append(Accepted(mail_from, rcpt, content, time.time()))

    def start(self) -> FaultServer:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self.host, self.port))
        listener.listen(256)
        self.port = listener.getsockname()[1]
        self._listener = listener
        self._spawn(self._listen, listener)
        return self

    def stop(self) -> None:
        """End all connections at once and wait for their threads."""
        self.stopping.set()
        if self._listener is not None:
            _shut(self._listener)
        with self.lock:
            sessions = list(self._open)
        for session in sessions:
            session.abort()
        for thread in list(self._threads):
            thread.join()
        if self._listener is not None:
            self._listener.close()

    def __enter__(self) -> FaultServer:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _listen(self, listener: socket.socket) -> None:
        while not self.stopping.is_set():
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            session = Session(self, sock)
            with self.lock:
                self.connections += 1
                self._open.add(session)
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            self._spawn(self._serve, session)

    def _serve(self, session: Session) -> None:
        try:
            session.run()
        finally:
            with self._changed:
                self._open.discard(session)
                self._changed.notify_all()

    def _spawn(self, target: object, argument: object) -> None:
        thread = threading.Thread(target=target, args=(argument,), daemon=True)
        thread.start()
        self._threads.append(thread)


def _shut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        # It was not connected; closing it is enough.
        sock.close()


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM; the port is written to stdout once it listens."""
    parser = argparse.ArgumentParser(prog="massmail.tests.smtp_server")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path)
    parser.add_argument("--script", default="[]", help="JSON: a list of faults")
    parser.add_argument("--offer", default="{}", help="JSON: fields of Offer")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    server = FaultServer(
        faults=faults_from_json(json.loads(options.script)),
        seed=options.seed,
        offer=Offer(**json.loads(options.offer)),
        host=options.host,
        port=options.port,
        log_path=options.log,
    )
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with server:
        sys.stdout.write(f"{server.port}\n")
        sys.stdout.flush()
        ended.wait()


if __name__ == "__main__":
    main()
