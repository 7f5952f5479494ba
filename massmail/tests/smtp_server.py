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

from massmail.tests.listening import Listener
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


class FaultServer(Listener):
    """Takes mail while the context is open.

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
        super().__init__(host, port)
        self.script = Script(faults, seed=seed)
        self.offer = offer or Offer()
        self.credentials = dict(credentials or {})
        self.tokens = dict(tokens or {})
        self.tls_context = tls_context
        self.log = Log(log_path)
        # Every line of every client, logins included, in the order of arrival.
        self.commands: list[str] = []
        # With `keep_chunks` what came in, as it came, to see what one write holds.
        self.chunks: list[bytes] = []
        self.keep_chunks = keep_chunks

    def session(self, sock: socket.socket) -> Session:
        return Session(self, sock)

    @property
    def accepted(self) -> list[Accepted]:
        with self.log.lock:
            return list(self.log.messages)

    def accept(self, mail_from: str, recipients: Iterable[str], content: bytes) -> None:
        for rcpt in recipients:
            self.log.append(Accepted(mail_from, rcpt, content, time.time()))


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
