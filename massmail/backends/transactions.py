"""The envelope of a message, command by command or as one pipelined group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from massmail.backends.channel import Waiting
from massmail.backends.commands import FINAL_DOT, Transaction
from massmail.backends.dialogue import Dialogue
from massmail.backends.phases import Phase, Reply, SmtpFailure

# MAIL FROM, RCPT TO, size in bytes.
Envelope = tuple[str, str, int]


class Step(NamedTuple):
    """A command and the first digit of the answer that lets the next one follow."""

    phase: Phase
    command: bytes
    wanted: int


RESET = Step(Phase.RSET, b"RSET\r\n", 2)


def envelope_steps(transaction: Transaction, *, with_size: bool) -> tuple[Step, ...]:
    return (
        Step(Phase.MAIL, transaction.mail_command(with_size=with_size), 2),
        Step(Phase.RCPT, transaction.rcpt_command(), 2),
        Step(Phase.DATA, b"DATA\r\n", 3),
    )


def as_group(steps: Sequence[Step]) -> bytes:
    return b"".join(step.command for step in steps)


def run_steps(dialogue: Dialogue, steps: Sequence[Step]) -> Waiting:
    """One command after the other; raises SmtpFailure for the first refusal."""
    for step in steps:
        yield from dialogue.require(step.phase, step.command, step.wanted)


def read_group(dialogue: Dialogue, steps: Sequence[Step]) -> Waiting:
    """The answers to a group sent before; raises SmtpFailure for the first refusal."""
    refusal: SmtpFailure | None = None
    replies: dict[Phase, Reply] = {}
    try:
        for step in steps:
            replies[step.phase] = yield from dialogue.read(step.phase)
            try:
                dialogue.check(step.phase, replies[step.phase], step.wanted)
            except SmtpFailure as error:
                refusal = refusal or error
                if dialogue.channel.is_closed:
                    raise refusal from None
    except OSError:
        if refusal is None:
            raise
        # What the server said before it went is worth more than that it went.
        dialogue.channel.close()
    if refusal is not None:
        if not dialogue.channel.is_closed:
            yield from _leave_content(dialogue, replies)
        raise refusal


def _leave_content(dialogue: Dialogue, replies: Mapping[Phase, Reply]) -> Waiting:
    """Get out of a 354 that was given although the envelope was refused.

    Without recipients a lone dot ends it and delivers nothing (RFC 2920 section 3.1);
    with one it would deliver an empty message, so the connection is dropped.
    """
    if replies[Phase.DATA].code // 100 != 3:
        return
    if replies[Phase.RCPT].is_positive:
        dialogue.channel.close()
        return
    try:
        yield from dialogue.ask(Phase.RSET, FINAL_DOT)
    except (OSError, SmtpFailure):
        dialogue.channel.close()


class Envelopes:
    """The envelopes of one connection: reset after refusals, sent ahead if possible."""

    def __init__(self, dialogue: Dialogue, features: Mapping[str, str]) -> None:
        self._dialogue = dialogue
        self._pipelines = "PIPELINING" in features
        self._with_size = "SIZE" in features
        self.needs_reset = False
        # What was sent behind the last final dot and is not answered yet.
        self.ahead: Transaction | None = None
        self._steps_ahead: tuple[Step, ...] = ()

    def begin(self, transaction: Transaction) -> Waiting:
        """Up to 354; a refused envelope is forgotten by the server before the next."""
        ahead, self.ahead = self.ahead, None
        steps = self._steps_ahead if ahead else self._steps(transaction)
        self.needs_reset = True
        if self._pipelines:
            if ahead is None:
                yield from self._dialogue.write(Phase.MAIL, as_group(steps))
            yield from read_group(self._dialogue, steps)
        else:
            yield from run_steps(self._dialogue, steps)
        self.needs_reset = False

    def probe(self, transaction: Transaction) -> Waiting:
        """MAIL and RCPT, then RSET."""
        steps = self._steps(transaction)
        self.needs_reset = True
        yield from run_steps(self._dialogue, steps[:-1])
        yield from self.reset()

    def reset(self) -> Waiting:
        yield from run_steps(self._dialogue, (RESET,))
        self.needs_reset = False

    def group_ahead(self, then: Envelope | None) -> bytes:
        """The next envelope's commands; b"" where they must wait for `begin`.

        An envelope that `begin` is going to refuse is left to it, so that its fault is
        not taken for one of the message that is being finished.
        """
        if then is None or not self._pipelines:
            return b""
        transaction = Transaction(*then)
        if not transaction.is_sound:
            return b""
        self.ahead = transaction
        self._steps_ahead = self._steps(transaction)
        return as_group(self._steps_ahead)

    def _steps(self, transaction: Transaction) -> tuple[Step, ...]:
        steps = envelope_steps(transaction, with_size=self._with_size)
        return (RESET, *steps) if self.needs_reset else steps
