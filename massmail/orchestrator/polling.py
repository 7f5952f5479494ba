"""Reading mailboxes: the door for Celery, the command, the button and scripts.

Nothing here keeps a mail from being sent: an account whose mailbox cannot be read sends
as before, and says on its page what is wrong.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import connections
from django.db.models import Q, QuerySet

from massmail.backends.imap_failures import ImapFailure
from massmail.conf import conf
from massmail.inbound.mailbox_help import INTERNAL_ERROR
from massmail.models import EmailAccount, Mailbox
from massmail.orchestrator.clock import Clock
from massmail.orchestrator.mailbox_health import (
    close_needless_alerts,
    mailbox_failed,
    mailbox_read,
)
from massmail.orchestrator.mailbox_lease import LeaseLost, MailboxLease
from massmail.orchestrator.mailbox_login import open_mailbox
from massmail.orchestrator.mailbox_proofs import prove_sent
from massmail.orchestrator.mailbox_reading import MailboxReading
from massmail.orchestrator.send import never
from massmail.patience import DATABASE_AWAY

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Poll:
    """What one look came to.

    `state` is "read", "failed" (with `reason`, the server's `words`, and when it is
    tried again), "busy" (somebody else reads it just now) or "off" (the account reads
    no mailbox). `kinds` counts what was ours by `ReturnKind`; `proved` are uncertain
    mails whose copy was found.
    """

    account_id: int
    state: str
    looked_at: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    proved: int = 0
    reason: str = ""
    words: str = ""
    next_at: dt.datetime | None = None

    @property
    def has_failed(self) -> bool:
        return self.state == "failed"


def reading_accounts() -> QuerySet[EmailAccount]:
    return EmailAccount.objects.filter(imports_mail=True).exclude(imap_host="")


def due_mailboxes(now: dt.datetime | None = None) -> list[int]:
    """Ids of the accounts whose mailbox is to be read now, whoever has waited longest
    first. Also closes alerts that are about no mailbox any more."""
    now = Clock(now)()
    accounts = reading_accounts()
    close_needless_alerts(set(accounts.values_list("pk", flat=True)), now)
    is_due = Q(mailbox=None) | Q(mailbox__in=Mailbox.objects.due(now))
    due = accounts.filter(is_due).order_by("mailbox__next_poll_at", "pk")
    return list(due.values_list("pk", flat=True))


def is_polling(now: dt.datetime | None = None) -> bool:
    """Whether somebody, anywhere, reads a mailbox just now."""
    return Mailbox.objects.running(Clock(now)()).exists()


def poll_mailboxes(
    now: dt.datetime | None = None, *, stop: Callable[[], bool] = never
) -> list[Poll]:
    """Read all that are due, a few at once; a server that hangs delays no other."""
    waiting = deque(due_mailboxes(now))
    polls: list[Poll] = []

    def work() -> None:
        try:
            while waiting and not stop():
                polls.append(polled(waiting.popleft(), now, stop))
        except IndexError:
            # Another thread was quicker.
            return
        finally:
            connections.close_all()

    # Daemons: a server that hangs must not delay the end of the process either.
    count = min(conf.MAILBOX_CONNECTIONS, len(waiting))
    threads = [threading.Thread(target=work, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return polls


def polled(account_id: int, now: dt.datetime | None, stop: Callable[[], bool]) -> Poll:
    try:
        return poll_mailbox(account_id, now=now, stop=stop)
    except DATABASE_AWAY as error:
        logger.exception("The mailbox of account %s is read later", account_id)
        words = type(error).__name__
        return Poll(account_id, "failed", reason=INTERNAL_ERROR, words=words)


def poll_mailbox(
    account_id: int,
    *,
    now: dt.datetime | None = None,
    stop: Callable[[], bool] = never,
) -> Poll:
    """Look into one mailbox now, whether it is due or not.

    Any number of these may run at the same time: one reads, the others are "busy".
    Raises nothing but what a database raises that is away.
    """
    account = reading_accounts().filter(pk=account_id).first()
    if account is None:
        return Poll(account_id, "off")
    clock = Clock(now)
    lease = MailboxLease.take(account, clock)
    if lease is None:
        return Poll(account_id, "busy")
    kinds: Counter[str] = Counter()
    try:
        return look_into(account, lease, clock, stop, kinds)
    except LeaseLost:
        return Poll(account_id, "busy")
    except ImapFailure as failure:
        return noted(account, lease, failure, kinds, clock())
    except DATABASE_AWAY:
        raise
    except Exception as error:
        # The boundary of a task. The text of an error may be a mail's: it is not kept.
        logger.exception("Reading the mailbox of account %s failed", account_id)
        unknown = ImapFailure(INTERNAL_ERROR, type(error).__name__)
        return noted(account, lease, unknown, kinds, clock())


def look_into(
    account: EmailAccount,
    lease: MailboxLease,
    clock: Clock,
    stop: Callable[[], bool],
    kinds: Counter[str],
) -> Poll:
    settle_in(lease.mailbox, account)
    mailbox = open_mailbox(account, clock=clock, go_on=lease.keep)
    try:
        reading = MailboxReading(
            account, mailbox, lease, clock=clock, stop=stop, kinds=kinds
        )
        folders = mailbox.folders()
        reading.read(folders)
        proved, searched_up_to = prove_sent(reading, folders)
    finally:
        mailbox.close()
    lease.mailbox.folders.exclude(name__in=[one.name for one in folders]).delete()
    next_at = mailbox_read(
        lease.mailbox,
        account,
        kinds=kinds,
        searched_up_to=searched_up_to,
        has_more=reading.has_more,
        now=clock(),
    )
    return Poll(
        account.pk,
        "read",
        looked_at=reading.looked_at,
        kinds=dict(kinds),
        proved=proved,
        next_at=next_at,
    )


def settle_in(mailbox: Mailbox, account: EmailAccount) -> None:
    """Positions are those of one mailbox: another one is read from its beginning."""
    user = account.email_host_user or account.from_email
    place = f"{user} {account.from_email} {account.imap_host}"[:600]
    if mailbox.place == place:
        return
    mailbox.folders.all().delete()
    Mailbox.objects.filter(pk=mailbox.pk).update(place=place)


def noted(
    account: EmailAccount,
    lease: MailboxLease,
    failure: ImapFailure,
    kinds: Counter[str],
    now: dt.datetime,
) -> Poll:
    next_at = mailbox_failed(lease.mailbox, account, failure, kinds=kinds, now=now)
    return Poll(
        account.pk,
        "failed",
        kinds=dict(kinds),
        reason=failure.reason,
        words=failure.words,
        next_at=next_at,
    )
