"""What the test server accepted, also in a file that outlives its clients."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Accepted:
    """A message that the server answered for; one per recipient of it."""

    mail_from: str
    rcpt: str
    content: bytes
    accepted_at: float

    @property
    def message_id(self) -> str:
        for line in self.content.partition(b"\r\n\r\n")[0].split(b"\r\n"):
            if line.lower().startswith(b"message-id:"):
                return line.partition(b":")[2].strip().decode("ascii", "replace")
        return ""


@dataclass
class Log:
    """The accepted messages, in memory and in an append-only file of JSON lines."""

    path: Path | None = None
    messages: list[Accepted] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def append(self, message: Accepted) -> None:
        """On disk before the client is answered, so that a log never lags behind."""
        with self.lock:
            self.messages.append(message)
            if self.path is not None:
                self._write(self.path, message)

    @staticmethod
    def _write(path: Path, message: Accepted) -> None:
        line = json.dumps(
            {
                "mail_from": message.mail_from,
                "rcpt": message.rcpt,
                "message_id": message.message_id,
                "size": len(message.content),
                "accepted_at": message.accepted_at,
            }
        )
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, line.encode() + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_log(path: Path) -> list[dict[str, str | int | float]]:
    """The accepted messages of a server process, without their content."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]
