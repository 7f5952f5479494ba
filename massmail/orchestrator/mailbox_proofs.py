"""Uncertain mails that left after all: their copies lie in the folder of sent mail.

Not to find one proves nothing, since many servers keep no copy.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from massmail.backends.imap_failures import ImapFailure
from massmail.conf import conf
from massmail.inbound.folders import Folder
from massmail.models import Delivery, EmailAccount, MailboxFolder
from massmail.models.mailbox_folder import Role
from massmail.models.proof import resolve_by_proof
from massmail.orchestrator.mailbox_reading import (
    DAY,
    FOLDERS_FAULTS,
    ONE_MAILS_FAULTS,
    MailboxReading,
    days_before,
    note,
)

# Deliveries of one look; the next look goes on behind them.
AT_ONCE = 20
DETAIL = "a copy is in the folder of sent mail"


def prove_sent(reading: MailboxReading, folders: Sequence[Folder]) -> tuple[int, int]:
    """(how many were proved, up to which delivery they were looked for)."""
    begin = reading.lease.mailbox.searched_up_to
    sent = [folder for folder in folders if folder.role == Role.SENT]
    if not sent or reading.is_over() or reading.has_more:
        return 0, begin
    rows = in_doubt(reading.account, after=begin, now=reading.clock())
    if not rows:
        return 0, 0
    row = reading.position(sent[0])
    try:
        found = search(reading, row, rows)
    except ImapFailure as failure:
        # Not every server searches for everything; mail is read all the same.
        if failure.reason not in FOLDERS_FAULTS | ONE_MAILS_FAULTS:
            raise
        note(row, str(failure))
        return 0, rows[-1].pk
    note(row, "")
    return found


def search(
    reading: MailboxReading, row: MailboxFolder, rows: Sequence[Delivery]
) -> tuple[int, int]:
    reading.mailbox.open(row.name)
    proved, up_to = 0, reading.lease.mailbox.searched_up_to
    for delivery in rows:
        if reading.is_over():
            break
        reading.lease.keep()
        proved += is_proved(reading, delivery)
        up_to = delivery.pk
        reading.has_moved()
    MailboxFolder.objects.filter(pk=row.pk).update(read_at=reading.clock())
    return proved, up_to


def in_doubt(account: EmailAccount, *, after: int, now: dt.datetime) -> list[Delivery]:
    rows = Delivery.objects.filter(
        email_account=account,
        status=Delivery.Status.UNCERTAIN,
        pk__gt=after,
        sending_at__gte=now - conf.MAILBOX_DAYS * DAY,
    )
    return list(rows.exclude(message_id="").order_by("pk")[:AT_ONCE])


def is_proved(reading: MailboxReading, delivery: Delivery) -> bool:
    began_at = delivery.sending_at or reading.clock()
    # At an earlier attempt it may have left as well.
    since = days_before(min(began_at, delivery.first_refused_at or began_at) - DAY)
    if not reading.mailbox.holds(delivery.message_id, since=since):
        return False
    now = reading.clock()
    return resolve_by_proof(delivery.pk, sent=True, now=now, detail=DETAIL)
