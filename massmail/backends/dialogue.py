"""Commands and answers over a channel, each in the phase that it belongs to."""

from __future__ import annotations

import time
from collections.abc import Generator

from massmail.backends.causes import Cause
from massmail.backends.channel import Channel, Waiting
from massmail.backends.phases import Phase, Reply, SmtpFailure, Wait
from massmail.backends.replies import (
    MAX_LINES,
    MalformedReply,
    parse_line,
    reply_of,
)

# The code, and the words of each line.
Lines = tuple[int, list[str]]

SERVICE_CLOSING = 421


class Dialogue:
    """Keeps the phase up to date; closes the channel once it is out of step.

    Raises OSError as the channel does, and SmtpFailure for what is no SMTP reply.
    """

    def __init__(self, channel: Channel, command_seconds: float) -> None:
        self.channel = channel
        self.phase = Phase.BANNER
        self.command_seconds = command_seconds

    def write(self, phase: Phase, data: bytes) -> Waiting:
        self.phase = phase
        self.channel.queue(data)
        yield from self.channel.flush(time.monotonic() + self.command_seconds)

    def read_lines(
        self, phase: Phase, seconds: float | None = None
    ) -> Generator[Wait, None, Lines]:
        """The next answer, line by line."""
        self.phase = phase
        limit = self.command_seconds if seconds is None else seconds
        try:
            code, lines = yield from self._read_lines(time.monotonic() + limit)
        except MalformedReply as error:
            self.channel.close()
            detail = Cause.PROTOCOL_ERROR.says(error)
            raise SmtpFailure(phase, None, detail) from error
        if code == SERVICE_CLOSING:
            self.channel.close()
        return code, lines

    def read(
        self, phase: Phase, seconds: float | None = None
    ) -> Generator[Wait, None, Reply]:
        reply = self._at_hand(phase)
        if reply is not None:
            return reply
        code, lines = yield from self.read_lines(phase, seconds)
        return reply_of(code, *lines)

    def ask(
        self, phase: Phase, command: bytes, seconds: float | None = None
    ) -> Generator[Wait, None, Reply]:
        """Send one command (with its line end) and read the answer to it."""
        yield from self.write(phase, command)
        return (yield from self.read(phase, seconds))

    def require(
        self, phase: Phase, command: bytes, wanted: int = 2
    ) -> Generator[Wait, None, Reply]:
        """Like `ask`; raises SmtpFailure unless the code begins with `wanted`."""
        return self.check(phase, (yield from self.ask(phase, command)), wanted)

    def check(self, phase: Phase, reply: Reply, wanted: int = 2) -> Reply:
        """The reply itself; raises SmtpFailure unless its code begins with `wanted`.

        An answer that neither agrees nor refuses belongs to something else: it counts
        as none, and the channel is closed.
        """
        digit = reply.code // 100
        if digit == wanted:
            return reply
        if digit in (4, 5):
            raise SmtpFailure(phase, reply)
        self.channel.close()
        raise SmtpFailure(phase, None, Cause.PROTOCOL_ERROR.says(reply))

    def _at_hand(self, phase: Phase) -> Reply | None:
        """The next answer if it is here and ordinary: one line, and not the last."""
        line = self.channel.line_at_hand()
        if line is None or line[3:4] == b"-":
            return None
        try:
            code, has_more, words = parse_line(line)
        except MalformedReply:
            return None
        if has_more or code == SERVICE_CLOSING:
            return None
        self.phase = phase
        self.channel.take(line)
        return reply_of(code, words)

    def _read_lines(self, deadline: float) -> Generator[Wait, None, Lines]:
        lines: list[str] = []
        first_code, has_more = 0, True
        while has_more:
            line = yield from self.channel.read_line(deadline)
            code, has_more, words = parse_line(line)
            first_code = first_code or code
            lines.append(words)
            if code != first_code or len(lines) > MAX_LINES:
                raise MalformedReply("an answer without end or of several codes")
        return first_code, lines
