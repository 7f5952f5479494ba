"""What servers of tests have in common: a port on loopback, a thread per connection."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol, Self


class Session(Protocol):
    """One connection: `run` in its own thread, `abort` from another one."""

    def run(self) -> None: ...

    def abort(self) -> None: ...


class Listener:
    """Listens while the context is open; subclasses say what a `session` does."""

    def __init__(self, host: str, port: int = 0) -> None:
        self.host, self.port = host, port
        self.lock = threading.RLock()
        self.connections = 0
        self.stopping = threading.Event()
        self._changed = threading.Condition(self.lock)
        self._open: set[Any] = set()
        self._threads: list[threading.Thread] = []
        self._listener: socket.socket | None = None

    def session(self, sock: socket.socket) -> Session:
        raise NotImplementedError(f"{type(self).__name__}.session()")

    @property
    def open_connections(self) -> int:
        with self.lock:
            return len(self._open)

    def wait_until_idle(self, seconds: float = 30.0) -> bool:
        """Until all clients have gone and what they sent is worked off."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._open, seconds)

    def start(self) -> Self:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        address = (self.host, self.port)
        listener = socket.create_server(address, family=family, backlog=256)
        self.port = listener.getsockname()[1]
        self._listener = listener
        self._spawn(self._listen, listener)
        return self

    def stop(self) -> None:
        """End all connections at once and wait for their threads."""
        self.stopping.set()
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
        with self.lock:
            sessions = list(self._open)
        for session in sessions:
            session.abort()
        for thread in list(self._threads):
            thread.join()
        if self._listener is not None:
            self._listener.close()

    def __enter__(self) -> Self:
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
                sock, _peer = listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            session = self.session(sock)
            with self.lock:
                self.connections += 1
                self._open.add(session)
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            self._spawn(self._serve, session)

    def _serve(self, session: Any) -> None:
        try:
            session.run()
        finally:
            with self._changed:
                self._open.discard(session)
                self._changed.notify_all()

    def _spawn(self, target: Callable[..., object], *arguments: Any) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        thread.start()
        self._threads.append(thread)
