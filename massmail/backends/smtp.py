"""A phased SMTP client: it always knows whether a message was handed over.

Every step is a generator that yields the `Wait`s it needs, so that one process drives
one connection (`drive`) or many from one `selectors` loop.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress

from massmail.backends.causes import Cause, detail_of
from massmail.backends.channel import Channel, Waiting
from massmail.backends.commands import Transaction, dot_stuffed
from massmail.backends.dialogue import Dialogue
from massmail.backends.driving import drive
from massmail.backends.handover import Handover, content_seconds
from massmail.backends.hosts import connect
from massmail.backends.opening import Features, default_ssl_context, open_session
from massmail.backends.phases import Phase, Reply, SmtpFailure, Wait
from massmail.backends.server import Server, Timeouts
from massmail.backends.transactions import Envelope, Envelopes

__all__ = [
    "Cause",
    "Phase",
    "Reply",
    "Server",
    "SmtpConnection",
    "SmtpFailure",
    "Timeouts",
    "Wait",
    "default_ssl_context",
    "drive",
]

_QUIT_SECONDS = 5.0


class SmtpConnection:
    """One connection: `open`, then `begin` and `finish` for each message, then `quit`.

    Steps raise SmtpFailure. After a refusal the connection stays `usable`; after a
    421, a lost connection, a time-out or an abandoned generator it is closed.
    """

    def __init__(
        self,
        server: Server,
        timeouts: Timeouts | None = None,
        *,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self.server = server
        self.timeouts = timeouts or Timeouts()
        self.features: Mapping[str, str] = Features()
        self.messages_sent = 0
        self._ssl_context = ssl_context
        self._dialogue: Dialogue | None = None
        self._handover: Handover | None = None
        self._opened: Envelopes | None = None

    @property
    def usable(self) -> bool:
        """Open and in step: another message can follow."""
        return self._opened is not None and not self._session.channel.is_closed

    @property
    def tls(self) -> bool:
        return self._dialogue is not None and self._dialogue.channel.is_encrypted

    @property
    def phase(self) -> Phase:
        """Where the conversation is, or ended."""
        if self._dialogue is None:
            return Phase.CONNECT
        if self._dialogue.phase is Phase.BODY and self.handed_over:
            return Phase.DOT
        return self._dialogue.phase

    @property
    def handed_over(self) -> bool:
        """The final dot of the message begun last may have reached the kernel."""
        return self._handover is not None and self._handover.has_left

    def open(self) -> Waiting:
        """Connect, greet, encrypt and log in as the server's settings say."""
        with self._guarded():
            deadline = time.monotonic() + self.timeouts.connect
            server = self.server
            sock = yield from connect(
                server.host,
                server.port,
                deadline,
                allow_private=server.allow_private_hosts,
            )
            dialogue = Dialogue(Channel(sock), self.timeouts.command)
            self._dialogue = dialogue
            self.features = yield from open_session(dialogue, server, self._ssl_context)
            self._opened = Envelopes(dialogue, self.features)

    def begin(self, mail_from: str, rcpt_to: str, size: int) -> Waiting:
        """Envelope of one message up to the server's 354, in one round trip if it can.

        `size` is that of the payload in bytes. Raises SmtpFailure with the first
        refusal, in the order MAIL, RCPT, DATA; ValueError for what is no address. To
        give up a message that was begun, `close()`: there is no way back from 354.
        """
        transaction = Transaction(mail_from, rcpt_to, size)
        self._turn_to(transaction)
        with self._guarded():
            yield from self._envelopes.begin(transaction)
        self._handover = Handover(self._session)

    def write(self, payload: bytes) -> Waiting:
        """Hand over content without the final dot, ahead of `finish`.

        For big messages on slow lines: what must be committed shortly before the dot
        can then be committed after this. Nothing is delivered without `finish`. Takes
        at most `content_seconds(len(payload))`.
        """
        handover = self._require_begun()
        with self._guarded():
            yield from handover.write(dot_stuffed(payload))

    def content_seconds(self, size: int) -> float:
        """How long `write` waits for a line that takes so many bytes."""
        return content_seconds(size, self.timeouts.command)

    def finish(
        self,
        payload: bytes = b"",
        then: Envelope | None = None,
        *,
        dot_before: float | None = None,
    ) -> Generator[Wait, None, Reply]:
        """Content and final dot; returns the reply that accepts the message.

        A refusal is raised as SmtpFailure(DOT, reply). No answer is SmtpFailure(BODY)
        if the dot cannot have left, so that the message may be sent again, and
        SmtpFailure(DOT) with `after_dot` if it may have. The dot is not written later
        than `dot_before` (`time.monotonic()`).

        `then` is the envelope of the next message: where the server pipelines, it goes
        right behind the dot (RFC 2920 section 3.1), and the next `begin` must be given
        the same and continues with its answers.
        """
        handover = self._require_begun()
        content = dot_stuffed(payload) if payload else b""
        with self._guarded():
            group = self._envelopes.group_ahead(then)
            yield from handover.finish(content, group, dot_before)
            reply = yield from handover.answer(self.timeouts.final_dot)
        self.messages_sent += 1
        return reply

    def probe(self, mail_from: str, rcpt_to: str) -> Waiting:
        """Ask whether an envelope would be taken, without sending a message."""
        transaction = Transaction(mail_from, rcpt_to, 0)
        self._turn_to(transaction)
        with self._guarded():
            yield from self._envelopes.probe(transaction)

    def reset(self) -> Waiting:
        """Forget an envelope; a refused one is also forgotten by the next `begin`."""
        with self._guarded():
            yield from self._envelopes.reset()

    def quit(self) -> Waiting:
        """Say goodbye where the protocol allows it, and close; raises nothing."""
        if self.usable and not self._expects_content and not self._envelopes.ahead:
            with suppress(SmtpFailure), self._guarded():
                seconds = min(self.timeouts.command, _QUIT_SECONDS)
                yield from self._session.ask(Phase.QUIT, b"QUIT\r\n", seconds)
        self.close()

    def close(self) -> None:
        """Drop the connection as it is; never raises.

        A message whose final dot has not left is not delivered.
        """
        if self._dialogue is not None:
            self._dialogue.channel.close()

    @property
    def _session(self) -> Dialogue:
        if self._dialogue is None:
            raise RuntimeError("The connection was never opened.")
        return self._dialogue

    @property
    def _envelopes(self) -> Envelopes:
        if self._opened is None:
            raise RuntimeError("The connection is not open.")
        return self._opened

    @property
    def _expects_content(self) -> bool:
        return self._handover is not None and not self._handover.is_answered

    def _turn_to(self, transaction: Transaction) -> None:
        """From here on the message before is history, even if this one cannot begin."""
        if self.usable and self._expects_content:
            raise RuntimeError("The message that was begun is not finished.")
        if self.usable and self._envelopes.ahead not in (None, transaction):
            raise RuntimeError("Another envelope was announced by `finish`.")
        self._handover = None
        if not (self.usable and self._envelopes.ahead == transaction):
            transaction.check()
        if not self.usable:
            raise SmtpFailure(Phase.MAIL, None, Cause.CONNECTION_LOST.says())

    def _require_begun(self) -> Handover:
        if self._handover is None or self._handover.is_answered:
            raise RuntimeError("No message was begun.")
        return self._handover

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Faults become SmtpFailure; only after a refusal is the connection in step."""
        in_step = False
        try:
            yield
            in_step = True
        except SmtpFailure:
            in_step = self._opened is not None
            raise
        except OSError as error:
            raise SmtpFailure(self.phase, None, detail_of(error)) from error
        finally:
            if not in_step:
                self.close()
