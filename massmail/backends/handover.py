"""The content of one message on its way, and whether its final dot has left."""

from __future__ import annotations

import time
from collections.abc import Generator

from massmail.backends.channel import Waiting
from massmail.backends.commands import FINAL_DOT
from massmail.backends.dialogue import Dialogue
from massmail.backends.phases import Phase, Reply, SmtpFailure, Wait

_SLOWEST_BYTES_PER_SECOND = 10_000
# Some servers take ".\r" for the end, so the message counts as gone with the dot.
_BYTES_AFTER_DOT = len(FINAL_DOT) - 1


def content_seconds(size: int, command_seconds: float) -> float:
    """How long so many bytes may take on the slowest line."""
    return command_seconds + size / _SLOWEST_BYTES_PER_SECOND


class Handover:
    """From the server's 354 to its answer to the final dot."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue
        self._dot_position: int | None = None
        self.is_answered = False

    @property
    def has_left(self) -> bool:
        """The final dot may have reached the kernel."""
        return self._dot_position is not None and self._dialogue.channel.has_passed(
            self._dot_position
        )

    def write(self, content: bytes, *, dot_before: float | None = None) -> Waiting:
        """Content without its final dot."""
        yield from self._check_in_step()
        self._dialogue.channel.queue(content)
        yield from self._flush(len(content), dot_before)

    def finish(
        self, content: bytes, next_group: bytes, dot_before: float | None
    ) -> Waiting:
        """Content, final dot and what may follow it at once."""
        yield from self._check_in_step()
        channel = self._dialogue.channel
        channel.queue(content)
        # Apart from the content, so that in TLS the dot has a record of its own.
        self._dot_position = channel.queue(FINAL_DOT) - _BYTES_AFTER_DOT
        channel.queue(next_group)
        yield from self._flush(len(content), dot_before)

    def answer(self, seconds: float) -> Generator[Wait, None, Reply]:
        """The reply that accepts the message; raises SmtpFailure for any other."""
        reply = yield from self._dialogue.read(Phase.DOT, seconds)
        self.is_answered = True
        return self._dialogue.check(Phase.DOT, reply)

    def _check_in_step(self) -> Waiting:
        """A server that spoke before the dot has given up; nothing was delivered."""
        self._dialogue.phase = Phase.BODY
        if self._dialogue.channel.is_quiet():
            return
        reply = yield from self._dialogue.read(Phase.BODY)
        self._dialogue.channel.close()
        raise SmtpFailure(Phase.BODY, reply)

    def _flush(self, size: int, dot_before: float | None) -> Waiting:
        now = time.monotonic()
        patience = content_seconds(size, self._dialogue.command_seconds)
        deadline = min(now + patience, dot_before or float("inf"))
        if now >= deadline:
            raise TimeoutError
        yield from self._dialogue.channel.flush(deadline)
