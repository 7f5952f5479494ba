"""Does an account work? One conversation without a message, phase by phase."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass

from django.utils import timezone

from massmail.backends.causes import Cause
from massmail.backends.phases import Phase, SmtpFailure, Wait
from massmail.backends.smtp import drive
from massmail.conf import conf
from massmail.credentials import Clock
from massmail.models import EmailAccount
from massmail.models.address import Address, InvalidAddress
from massmail.sending.connections import open_connection
from massmail.sending.outcomes import HELP, classify

# What the login needs is made ready first, lest a server wait for it.
BEFORE_CONNECTING = frozenset(
    {
        Cause.NEEDS_RECONNECTING,
        Cause.PROVIDER_REFUSED,
        Cause.PROVIDER_UNAVAILABLE,
        Cause.SECRET_UNREADABLE,
    }
)


@dataclass(frozen=True, slots=True)
class Step:
    """One phase; `state` is done, failed (with words and help) or open."""

    phase: Phase
    state: str
    words: str = ""
    help_text: str = ""


def phases_of(account: EmailAccount) -> list[Phase]:
    """What the account's settings make the conversation go through."""
    encrypted: dict[str, list[Phase]] = {
        EmailAccount.Security.STARTTLS: [
            Phase.BANNER,
            Phase.EHLO,
            Phase.STARTTLS,
            Phase.TLS,
        ],
        EmailAccount.Security.TLS: [Phase.TLS, Phase.BANNER, Phase.EHLO],
    }
    opening = encrypted.get(account.security, [Phase.BANNER, Phase.EHLO])
    login = [] if account.auth == EmailAccount.NO_AUTH else [Phase.AUTH]
    return [Phase.CONNECT, *opening, *login, Phase.MAIL, Phase.RCPT, Phase.RSET]


def probe_connection(account: EmailAccount) -> list[Step]:
    """Connect, encrypt, log in, name sender and recipient (the account itself), reset.

    Nothing is sent; the account's state is left to its owner. Each phase has its own
    time-out, and all together that of connecting and of one command: somebody waits.
    """
    phases = phases_of(account)
    failure = probe(account)
    if failure is not None:
        return steps_until(phases, failure)
    return [Step(phase, "done") for phase in phases]


def probe(account: EmailAccount, *, clock: Clock = timezone.now) -> SmtpFailure | None:
    """What went wrong, if anything did."""
    seconds = conf.CONNECT_TIMEOUT + conf.COMMAND_TIMEOUT
    try:
        drive(hurried(converse(account, clock), seconds))
    except SmtpFailure as failure:
        return failure
    return None


def converse(account: EmailAccount, clock: Clock) -> Generator[Wait, None, None]:
    connection = yield from open_connection(account, clock)
    try:
        address = sender_of(account)
        yield from connection.probe(address, address)
        yield from connection.quit()
    finally:
        connection.close()


def hurried(
    conversation: Generator[Wait, None, None], seconds: float
) -> Generator[Wait, None, None]:
    """The same conversation, with no wait that lasts longer than `seconds` from now."""
    end = time.monotonic() + seconds
    try:
        wait = next(conversation)
        while True:
            try:
                yield wait._replace(deadline=min(wait.deadline, end))
            except TimeoutError as error:
                wait = conversation.throw(error)
            else:
                wait = next(conversation)
    except StopIteration:
        return
    finally:
        conversation.close()


def sender_of(account: EmailAccount) -> str:
    try:
        return Address.parse(account.from_email).wire
    except InvalidAddress as error:
        detail = Cause.SENDER_INVALID.says(error)
        raise SmtpFailure(Phase.MAIL, None, detail) from error


def steps_until(phases: list[Phase], failure: SmtpFailure) -> list[Step]:
    """Phases before the fault are done, those behind it were not reached."""
    reached = phases.index(failure.phase) if failure.phase in phases else 0
    outcome = classify(failure.phase, failure.reply, detail=failure.detail)
    fault = Step(
        failure.phase,
        "failed",
        str(failure.reply or failure.detail),
        str(HELP.get(outcome.reason, "")),
    )
    before = "open" if Cause.of(failure.detail) in BEFORE_CONNECTING else "done"
    done = [Step(phase, before) for phase in phases[:reached]]
    return [*done, fault, *(Step(phase, "open") for phase in phases[reached + 1 :])]
