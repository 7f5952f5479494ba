"""The test server, which also knows how many connections its clients held at once."""

from __future__ import annotations

import select
import threading
from pathlib import Path
from typing import Any

from massmail.tests.smtp_log import read_log
from massmail.tests.smtp_server import FaultServer
from massmail.tests.smtp_session import Session

_GONE = select.POLLRDHUP | select.POLLHUP | select.POLLERR


class WatchedServer(FaultServer):
    """Counts at each new connection those that no client has closed yet.

    A closed one counts no more from the moment of the client's call, however late the
    thread that serves it notices.
    """

    def __init__(self, *, log_path: Path, **options: Any) -> None:
        super().__init__(log_path=log_path, **options)
        self._log_path = log_path
        self._count_lock = threading.Lock()
        self.most_connections = 0

    def addresses(self) -> list[str]:
        """Recipients of the accepted messages, as the file on the disk has them."""
        return [str(entry["rcpt"]) for entry in self.entries()]

    def entries(self) -> list[dict[str, str | int | float]]:
        return read_log(self._log_path)

    def _serve(self, session: Session) -> None:
        with self.lock:
            sessions = list(self._open)
        with self._count_lock:
            held = sum(is_held(each) for each in sessions)
            self.most_connections = max(self.most_connections, held)
        super()._serve(session)


def is_held(session: Session) -> bool:
    """Whether neither side has closed the connection."""
    number = session._sock.fileno()
    if number < 0:
        return False
    poll = select.poll()
    poll.register(number, _GONE)
    return not poll.poll(0)
