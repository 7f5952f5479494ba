"""What comes back by mail: the one entrance for a pipe and for mailboxes."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from massmail.inbound.kinds import ReturnKind
from massmail.models import EmailAccount


@dataclass(frozen=True, slots=True)
class Returned:
    """What a mail was, which deliveries it is about, whether anything was learned.

    `detail` says in English why a mail is UNKNOWN, for logs.
    """

    kind: ReturnKind
    delivery_ids: tuple[int, ...] = ()
    is_news: bool = False
    detail: str = ""


def receive(
    raw: bytes, *, now: dt.datetime, account: EmailAccount | None = None
) -> Returned:
    """Understand a mail and write down what follows from it.

    `account` is the one whose mailbox it was found in. Never raises, whatever the
    bytes, except what a database raises that is away (`patience.DATABASE_AWAY`): then
    nothing was written, and the mail is to be handed in again. Idempotent: the same
    mail received again, or by two at once, changes nothing more.
    """
    return Returned(ReturnKind.UNKNOWN, detail="no mail of ours is named")
