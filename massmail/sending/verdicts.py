"""What an answer is about and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """Whom an outcome is about: what stops or waits, and what is left alone.

    CONNECTION is a fault of this one conversation, met from MAIL on: it is closed, and
    another may be opened. If that one fails before it has carried a message, too, the
    account backs off as for ACCOUNT. With any scope but RECIPIENT the recipient stays
    queued and no attempt is counted against it.
    """

    RECIPIENT = "recipient"
    ACCOUNT = "account"
    MAILING = "mailing"
    CONNECTION = "connection"


class Verdict(StrEnum):
    """What to do: RETRY later by itself, STOP until a person has mended it."""

    SENT = "sent"
    RETRY = "retry"
    GIVE_UP = "give_up"
    STOP = "stop"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One row's right side in the outcome table.

    `reason` is a stable code word that is stored. `suppress`: never mail this address
    again. `hard_bounce` and `reputation` feed the mailing's breakers;
    `immediate_mailing_stop` stops the mailing without waiting for more of the kind.
    `needs_token_refresh`: with OAuth2, one forced refresh comes before the stop.
    """

    scope: Scope
    verdict: Verdict
    reason: str = ""
    suppress: bool = False
    reputation: bool = False
    hard_bounce: bool = False
    immediate_mailing_stop: bool = False
    needs_token_refresh: bool = False


def stop(reason: str, *, needs_token_refresh: bool = False) -> Outcome:
    """The account stops at the first such reply, until a person has mended it."""
    return Outcome(
        Scope.ACCOUNT, Verdict.STOP, reason, needs_token_refresh=needs_token_refresh
    )


def back_off(reason: str) -> Outcome:
    """The account waits and goes on by itself."""
    return Outcome(Scope.ACCOUNT, Verdict.RETRY, reason)


def reconnect(reason: str) -> Outcome:
    """Only this connection is at fault."""
    return Outcome(Scope.CONNECTION, Verdict.RETRY, reason)


def retry(reason: str) -> Outcome:
    """This recipient is tried again later."""
    return Outcome(Scope.RECIPIENT, Verdict.RETRY, reason)


def give_up(reason: str, *, hard_bounce: bool = False) -> Outcome:
    """This recipient fails; the address is not suppressed."""
    return Outcome(Scope.RECIPIENT, Verdict.GIVE_UP, reason, hard_bounce=hard_bounce)


def suppress(reason: str) -> Outcome:
    """This recipient fails, and the address does not exist."""
    return Outcome(
        Scope.RECIPIENT, Verdict.GIVE_UP, reason, suppress=True, hard_bounce=True
    )


def distrust(reason: str, *, immediate_mailing_stop: bool = False) -> Outcome:
    """This recipient fails because the mail or its sender is not trusted."""
    return Outcome(
        Scope.RECIPIENT,
        Verdict.GIVE_UP,
        reason,
        reputation=True,
        immediate_mailing_stop=immediate_mailing_stop,
    )


def stop_mailing(reason: str) -> Outcome:
    """No recipient of this mailing can succeed; nobody fails for it."""
    return Outcome(Scope.MAILING, Verdict.STOP, reason, immediate_mailing_stop=True)
