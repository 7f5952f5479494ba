"""A real IMAP server on loopback that fails where a test wants it to.

In a test::

    with ImapServer(users={"anna": "secret"}) as server:
        server.deliver(b"Subject: hello\r\n\r\nworld")
        ...  # server.host, server.port
    assert server.changes == []

It speaks what reading a mailbox needs (RFC 3501, 6154): LOGIN, AUTHENTICATE, STARTTLS,
LIST, EXAMINE, UID SEARCH, UID FETCH. Whatever would change the mailbox is refused, and
noted in `changes`.
"""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from massmail.tests.imap_session import Session
from massmail.tests.listening import Listener


@dataclass
class Mail:
    raw: bytes
    arrived_on: dt.date
    # Another size than it has: some servers count line ends otherwise.
    said_size: int | None = None
    is_seen: bool = False


@dataclass
class Folder:
    """`name` as it is spelled on the wire; a name of digits is one, too."""

    name: str
    flags: tuple[str, ...] = ()
    uid_validity: int = 1000
    uid_next: int = 1
    mails: dict[int, Mail] = field(default_factory=dict)
    says_uid_next: bool = True

    def add(
        self,
        raw: bytes,
        arrived_on: dt.date | None = None,
        said_size: int | None = None,
    ) -> int:
        uid = self.uid_next
        day = arrived_on or dt.datetime.now(dt.UTC).date()
        self.mails[uid] = Mail(raw, day, said_size)
        self.uid_next += 1
        return uid

    def renumber(self) -> None:
        """The server was set up anew, and gives its mails other numbers."""
        mails = list(self.mails.values())
        self.uid_validity += 1
        self.mails = dict(enumerate(mails, start=1))
        self.uid_next = len(mails) + 1


@dataclass
class Fault:
    """Of the commands that begin with `command`: the first `times`, after `after`.

    "GREETING" and "TLS" are steps as well. `reply` stands for the answer, "{tag}" in
    it for the command's; with `drop` the line breaks after it, with `cut` after that
    many bytes of the usual answer.
    """

    command: str
    reply: str | bytes | None = None
    drop: bool = False
    cut: int | None = None
    hang: bool = False
    # Seconds before each byte of the answer.
    drip: float | None = None
    times: int = 1_000_000
    after: int = 0


class ImapServer(Listener):
    """Shows its mailbox while the context is open.

    `users` are user → password, `tokens` mailbox → XOAUTH2 bearer token.
    """

    def __init__(
        self,
        *,
        users: Mapping[str, str] | None = None,
        tokens: Mapping[str, str] | None = None,
        faults: Iterable[Fault] = (),
        mechanisms: tuple[str, ...] = ("PLAIN", "XOAUTH2"),
        capabilities: tuple[str, ...] = ("SPECIAL-USE",),
        tls_context: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
        host: str = "127.0.0.1",
    ) -> None:
        super().__init__(host)
        self.users, self.tokens = dict(users or {}), dict(tokens or {})
        self.faults = list(faults)
        self.mechanisms, self.capabilities = mechanisms, capabilities
        self.tls_context, self.implicit_tls = tls_context, implicit_tls
        self.folders: dict[str, Folder] = {}
        self.add_folder("INBOX")
        # Every line of every client, logins included; and what would leave a trace.
        self.commands: list[str] = []
        self.changes: list[str] = []
        # While it is not set, EXAMINE waits: two clients can be made to meet.
        self.gate = threading.Event()
        self.gate.set()
        self.waiting = threading.Semaphore(0)

    def session(self, sock: socket.socket) -> Session:
        return Session(self, sock)

    def stop(self) -> None:
        self.stopping.set()
        self.gate.set()
        super().stop()

    @property
    def inbox(self) -> Folder:
        return self.folders["INBOX"]

    def add_folder(self, name: str, *flags: str) -> Folder:
        self.folders[name] = Folder(name, flags)
        return self.folders[name]

    def deliver(self, raw: bytes, arrived_on: dt.date | None = None) -> int:
        with self.lock:
            return self.inbox.add(raw, arrived_on)

    def verbs(self) -> list[str]:
        """The commands of all clients, without their tags and arguments."""
        words = (line.split(" ") for line in self.commands)
        return [
            " ".join(parts[1:3] if parts[1:2] == ["UID"] else parts[1:2])
            for parts in words
            if len(parts) > 1
        ]

    def fetched(self) -> list[str]:
        """The arguments of all FETCH commands that brought whole mails."""
        return [
            line.partition("FETCH ")[2]
            for line in self.commands
            if "FETCH" in line and "BODY.PEEK[]" in line
        ]

    def next_fault(self, command: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if not command.startswith(fault.command) or fault.times <= 0:
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    continue
                fault.times -= 1
                return fault
        return None
