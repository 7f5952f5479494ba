"""New mail of a mailbox, folder by folder, in the order in which it came.

A folder's position moves on after a mail is taken in, never before: killed in between,
the mail is read again, which changes nothing more.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections import Counter
from collections.abc import Callable, Sequence

from common.utils.helpers import chunked
from massmail.backends.causes import Cause
from massmail.backends.imap_failures import ImapFailure, ImapReason
from massmail.conf import conf
from massmail.inbound.folders import Folder
from massmail.inbound.kinds import ReturnKind
from massmail.inbound.mailbox import Mailbox, Opened
from massmail.models import EmailAccount, MailboxFolder, SendAttempt
from massmail.models.mailbox_folder import Role
from massmail.orchestrator import returns
from massmail.orchestrator.clock import Clock
from massmail.orchestrator.mailbox_choice import ours
from massmail.orchestrator.mailbox_lease import MailboxLease

logger = logging.getLogger(__name__)

BATCH = 50
DAY = dt.timedelta(days=1)
# Of a mailbox that nobody read for long no more than this is looked at.
LONGEST = 60 * DAY
# What one folder may be at fault for while the others are read.
FOLDERS_FAULTS = frozenset({ImapReason.FOLDER_REFUSED, Cause.PROTOCOL_ERROR})
# What one mail may be at fault for, when it was so for that many times.
ONE_MAILS_FAULTS = frozenset({ImapReason.SERVER_REFUSED, Cause.PROTOCOL_ERROR})
PATIENCE = 3
# So many failures are about a day; then nothing can be expected of the mail any more.
LAST_PATIENCE = 30


class MailboxReading:
    """One look into a mailbox, for no longer than its time."""

    def __init__(
        self,
        account: EmailAccount,
        mailbox: Mailbox,
        lease: MailboxLease,
        *,
        clock: Clock,
        stop: Callable[[], bool],
        kinds: Counter[str],
    ) -> None:
        self.account, self.mailbox, self.lease = account, mailbox, lease
        self.clock, self._stop = clock, stop
        self._began_at = clock.elapsed
        self._has_moved = False
        self.looked_at = 0
        # What was ours, as the caller wants to know it even after a failure.
        self.kinds = kinds
        # There is more than was read in the time.
        self.has_more = False
        # Of the folder that is being read: which requests its server has answered with
        # a mail, and what it says to those that it never answers.
        self._granted: set[str] = set()
        self._withheld: dict[str, ImapFailure] = {}

    def is_over(self) -> bool:
        """Not before something is done: a server may take all the time to begin."""
        spent = self.clock.elapsed - self._began_at
        is_late = self._has_moved and spent >= conf.MAILBOX_RUN_SECONDS
        return is_late or self._stop()

    def has_moved(self) -> None:
        self._has_moved = True

    def read(self, folders: Sequence[Folder]) -> None:
        """Inbox and junk; raises `ImapFailure`, and `LeaseLost`."""
        for folder in folders:
            if folder.role != Role.SENT and not self.has_more:
                self._read_or_note(folder)

    def _read_or_note(self, folder: Folder) -> None:
        """What is wrong with the junk alone does not keep the inbox from being read."""
        row = self.position(folder)
        try:
            self._read_folder(row)
        except ImapFailure as failure:
            if folder.role == Role.INBOX or failure.reason not in FOLDERS_FAULTS:
                raise
            note(row, str(failure))
        else:
            note(row, "")

    def position(self, folder: Folder) -> MailboxFolder:
        row, _created = MailboxFolder.objects.update_or_create(
            mailbox=self.lease.mailbox, name=folder.name, defaults={"role": folder.role}
        )
        return row

    def _read_folder(self, row: MailboxFolder) -> None:
        self._granted, self._withheld = set(), {}
        self.lease.keep()
        opened = self.mailbox.open(row.name)
        if row.uid_validity != opened.uid_validity:
            self._begin(row, opened)
        if opened.uid_next and opened.uid_next <= row.last_uid + 1:
            uids: list[int] = []
        else:
            since = days_before(self._since(row))
            uids = self.mailbox.new_uids(after=row.last_uid, since=since)
        has_all = all(self._take_in(row, batch) for batch in chunked(uids, BATCH))
        for failure in self._withheld.values():
            raise failure
        if has_all:
            MailboxFolder.objects.filter(pk=row.pk).update(read_at=self.clock())
        else:
            self.has_more = True

    def _begin(self, row: MailboxFolder, opened: Opened) -> None:
        """A folder that was never read, or whose server numbers its mails anew."""
        if row.uid_validity is None:
            since = first_interest(self.account, self.clock())
        else:
            since = (row.read_at or self.clock() - conf.MAILBOX_DAYS * DAY) - DAY
        found = since and self.mailbox.new_uids(after=0, since=days_before(since))
        if found:
            last = found[0] - 1
        else:
            last = opened.uid_next - 1 if opened.uid_next else self.mailbox.last_uid()
        MailboxFolder.objects.begin_anew(
            row.pk,
            instead_of=row.uid_validity,
            uid_validity=opened.uid_validity,
            uid=last,
        )
        row.refresh_from_db()

    def _since(self, row: MailboxFolder) -> dt.datetime:
        """Old mail that somebody moves into the folder is nothing that came back."""
        now = self.clock()
        usual = now - conf.MAILBOX_DAYS * DAY
        return max(min(usual, row.read_at or usual), now - max(LONGEST, now - usual))

    def _take_in(self, row: MailboxFolder, uids: Sequence[int]) -> bool:
        """Whether all of the batch is taken in; what is not is read the next time."""
        if self.is_over():
            return False
        self.lease.keep()
        try:
            summaries = self.mailbox.summaries(uids)
        except ImapFailure as failure:
            self._require_patience(failure)
            if len(uids) > 1:
                return all(self._take_in(row, [uid]) for uid in uids)
            self._pass_by("header", failure)
            summaries = []
        if summaries:
            self._grant("header")
        for summary in ours(summaries):
            if self.is_over():
                # What is before this mail is nothing to us.
                self._move_on(row, summary.uid - 1)
                return False
            self._receive(summary.uid)
            self._move_on(row, summary.uid)
        self.looked_at += len(uids)
        self._move_on(row, uids[-1])
        return True

    def _receive(self, uid: int) -> None:
        self.lease.keep()
        try:
            raw = self.mailbox.mail(uid, max_bytes=conf.MAILBOX_MAIL_BYTES)
        except ImapFailure as failure:
            self._require_patience(failure)
            self._pass_by("body", failure)
            return
        if raw is None:
            return
        self._grant("body")
        returned = returns.receive(raw, now=self.clock(), account=self.account)
        if returned.kind != ReturnKind.UNKNOWN:
            self.kinds[str(returned.kind)] += 1

    def _require_patience(self, failure: ImapFailure) -> None:
        """Raises it, unless it is always the same: a mail that its server cannot give
        out must not stand before all others for ever."""
        before = self.lease.mailbox
        is_usual = {failure.reason, before.reason} <= ONE_MAILS_FAULTS
        if not is_usual or before.failures_in_a_row < PATIENCE:
            raise failure

    def _pass_by(self, request: str, failure: ImapFailure) -> None:
        """For now; for good only where the server gives out another mail.

        One that gives out none is out of order, and its mails are all still to come.
        """
        is_last = self.lease.mailbox.failures_in_a_row >= LAST_PATIENCE
        if request not in self._granted and not is_last:
            self._withheld.setdefault(request, failure)
        logger.warning("A mail of account %s cannot be read", self.account.pk)

    def _grant(self, request: str) -> None:
        self._granted.add(request)
        self._withheld.pop(request, None)

    def _move_on(self, row: MailboxFolder, uid: int) -> None:
        if not self._withheld:
            validity = row.uid_validity or 0
            MailboxFolder.objects.move_on(row.pk, uid_validity=validity, uid=uid)
        self.has_moved()


def note(row: MailboxFolder, error: str) -> None:
    if row.last_error != error[:500]:
        MailboxFolder.objects.filter(pk=row.pk).update(last_error=error[:500])


def first_interest(account: EmailAccount, now: dt.datetime) -> dt.datetime | None:
    """When the account sent the first of the mails that may still come back."""
    attempts = SendAttempt.objects.filter(
        email_account=account, occurred_at__gte=now - conf.MAILBOX_DAYS * DAY
    )
    moments = attempts.order_by("occurred_at").values_list("occurred_at", flat=True)
    return moments.first()


def days_before(moment: dt.datetime) -> dt.date:
    """For SINCE, which knows whole days, in the server's zone."""
    return (moment - DAY).date()
