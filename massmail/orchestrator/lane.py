"""One connection of a run, as a generator that says what it waits for.

It yields a `Wait` for its socket, a `Sleep` for a gap, or an `Outgoing` for which
it needs the `sending` commit; the run sends back until when its dot may leave, or None.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from massmail.backends.phases import SmtpFailure, Wait
from massmail.conf import conf
from massmail.orchestrator.outgoing import Outgoing
from massmail.patience import DATABASE_AWAY
from massmail.sending.connections import open_connection

if TYPE_CHECKING:
    from massmail.backends.smtp import SmtpConnection
    from massmail.orchestrator.run import Run


@dataclass(frozen=True, slots=True)
class Sleep:
    """Nothing to do until then (`time.monotonic()`)."""

    until: float


Request = Wait | Sleep | Outgoing
Steps = Generator[Request, float | None, None]


class Lane:
    """Takes messages from the run and hands them over, one after the other."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.connection: SmtpConnection | None = None
        # The next message, whose envelope went out behind the last dot.
        self._ahead: Outgoing | None = None

    def work(self) -> Steps:
        try:
            while (message := self._next()) is not None:
                yield from self._deliver(message)
                yield from self._rest()
            if self.connection is not None:
                yield from self.connection.quit()
        finally:
            # A generator that is thrown away must not wait for the network.
            if self.connection is not None:
                self.connection.close()

    def _next(self) -> Outgoing | None:
        message, self._ahead = self._ahead, None
        if message is not None and not self.run.is_stopped:
            return message
        return self.run.next_message()

    def _deliver(self, message: Outgoing) -> Steps:
        try:
            connection = yield from self._connected()
            yield from connection.begin(*message.envelope)
            if message.is_large and not (yield from self._write(connection, message)):
                connection.close()
                return
        except SmtpFailure as failure:
            self._failed(message, failure, announced=False)
            return
        except DATABASE_AWAY:
            # A token was asked for; what other lanes have on their way goes on.
            self.run.end_without_database()
            return
        dot_before = yield message
        if dot_before is None:
            connection.close()
            return
        try:
            reply = yield from connection.finish(
                b"" if message.is_large else message.payload,
                then=self._look_ahead(connection),
                dot_before=dot_before,
            )
        except SmtpFailure as failure:
            self._failed(message, failure, announced=True)
        else:
            self.run.accepted(message, reply)

    def _write(
        self, connection: SmtpConnection, message: Outgoing
    ) -> Generator[Wait, None, bool]:
        """All but the dot, which has to follow its commit quickly; False if the row is
        another's by now. A slow line may need minutes for it."""
        seconds = connection.content_seconds(len(message.payload))
        if not self.run.keep(message, seconds):
            return False
        yield from connection.write(message.payload)
        return True

    def _failed(
        self, message: Outgoing, failure: SmtpFailure, *, announced: bool
    ) -> None:
        fresh = self.connection is None or not self.connection.messages_sent
        self.run.failed(message, failure, announced=announced, fresh=fresh)

    def _connected(self) -> Generator[Wait, None, SmtpConnection]:
        connection = self.connection
        worn = connection and connection.messages_sent >= conf.MESSAGES_PER_CONNECTION
        if connection is not None and connection.usable and not worn:
            return connection
        if connection is not None:
            yield from connection.quit()
        self.connection = None
        self.connection = yield from open_connection(self.run.account, self.run.now)
        return self.connection

    def _look_ahead(self, connection: SmtpConnection) -> tuple[str, str, int] | None:
        """The next envelope, to be sent behind the dot where there is no gap."""
        last = connection.messages_sent + 1 >= conf.MESSAGES_PER_CONNECTION
        if last or self.run.account.has_gaps:
            return None
        self._ahead = self.run.next_message()
        return self._ahead.envelope if self._ahead else None

    def _rest(self) -> Steps:
        """Wait out a short gap on the open connection; a long one ends the run."""
        seconds = self.run.gap_seconds()
        if seconds and seconds <= conf.SHORT_GAP_SECONDS and not self.run.is_over:
            yield Sleep(time.monotonic() + seconds)
