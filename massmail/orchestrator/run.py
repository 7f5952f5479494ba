"""One run: the lanes of one account in one process, driven by one loop.

Results that have come, and rows that are to be handed over next, share one commit.
A dot is written only after the commit that announces it.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
import uuid
from collections.abc import Callable

from django.db import close_old_connections, transaction

from massmail.backends.phases import Reply, SmtpFailure
from massmail.conf import conf
from massmail.models import Delivery, EmailAccount, MailingOut
from massmail.models.email_account import new_token
from massmail.models.ordinary_commit import Written
from massmail.orchestrator.clock import Clock
from massmail.orchestrator.finishing import finish_mailings
from massmail.orchestrator.handover import Announcement, HandOvers, claim_of
from massmail.orchestrator.lane import Lane
from massmail.orchestrator.loop import Loop
from massmail.orchestrator.outgoing import Batch, Outgoing
from massmail.orchestrator.report import SendReport
from massmail.patience import DATABASE_AWAY, patiently
from massmail.sending.account_health import account_worked
from massmail.sending.claiming import claim_batch
from massmail.sending.lanes import extend_lanes
from massmail.sending.outcomes import Outcome, Scope, Verdict, classify
from massmail.sending.pacing import MAX_BATCHES, next_batches
from massmail.sending.quotas import Counted
from massmail.sending.recording import Result, record_all

logger = logging.getLogger(__name__)
ACCEPTED = Outcome(Scope.RECIPIENT, Verdict.SENT, "")


class Run:
    """Claims rows of an account and drives its lanes until nothing is due.

    Lanes call `next_message`, `accepted`, `failed` and `gap_seconds`;
    everything that is written goes through `_commit`. `token` is that of its lanes;
    each claim has one of its own, so that a row claimed again is another claim.
    """

    def __init__(
        self,
        account: EmailAccount,
        token: uuid.UUID,
        *,
        clock: Clock,
        stop: Callable[[], bool],
    ) -> None:
        self.account = account
        self.token = token
        self.report = SendReport(account.pk)
        self._clock = clock
        self._stop = stop
        self._batch: Batch | None = None
        self._results: list[Result] = []
        self._loop = Loop(stop)
        self._mailings: set[int] = set()
        self._ended = False
        self._exhausted = False
        self._account_works = False
        self._hand_overs: HandOvers
        self._claims: list[uuid.UUID] = []
        self._stopped_at: float | None = None
        self._announced_at = 0.0
        self._batches = 1
        self._claimed_at = 0.0
        self._counted = Counted()

    # --- for the lanes

    def now(self) -> dt.datetime:
        return self._clock()

    @property
    def is_stopped(self) -> bool:
        """Not even a message whose envelope was announced goes out."""
        return self._ended or self._stop()

    @property
    def is_over(self) -> bool:
        """No new message is started."""
        return self.is_stopped or self._clock.elapsed >= conf.RUN_SECONDS

    def next_message(self) -> Outgoing | None:
        """The next message, of another claim when one is used up.

        None, too, when the database is away: a lane asks in the middle of handing
        over, and what it and others have on their way must come to its end.
        """
        try:
            return self._find_message()
        except DATABASE_AWAY:
            self.end_without_database()
            return None

    def _find_message(self) -> Outgoing | None:
        while not (self.is_over or self._exhausted):
            message = self._batch.next() if self._batch else None
            if message is not None:
                return message
            self._exhausted = not self._claim()
        return None

    def keep(self, message: Outgoing, seconds: float) -> bool:
        """Lease the row, and the lanes, for content that may take so long; False if the
        row is another's by now."""
        now = self._clock()
        until = now + dt.timedelta(seconds=seconds + conf.LEASE_SECONDS)
        row = message.delivery
        if not Delivery.objects.keep(row.pk, row.claim, now=now, lease_until=until):
            return False
        extend_lanes(self.token, until)
        return True

    def accepted(self, message: Outgoing, reply: Reply) -> None:
        self._results.append(Result(message.delivery, ACCEPTED, reply, announced=True))

    def failed(
        self, message: Outgoing, failure: SmtpFailure, *, announced: bool, fresh: bool
    ) -> None:
        """A refusal or a broken line; `fresh` if it carried no message before.

        A line that breaks in use is replaced; one that breaks at its first message
        would do so at each, and the account backs off.
        """
        outcome = classify(failure.phase, failure.reply, detail=failure.detail)
        result = Result(
            message.delivery,
            outcome,
            failure.reply,
            announced=announced,
            detail=failure.detail[:500],
            broke_fresh_line=fresh and failure.reply is None,
            account_saved_at=self.account.updated_at,
        )
        self._results.append(result)
        if result.concerns_account or outcome.scope == Scope.MAILING:
            self._end(outcome.reason)

    def _end(self, reason: str) -> None:
        self._ended = True
        self.report.stopped_because = reason

    def gap_seconds(self) -> float:
        """How long the account's gap still lasts."""
        if not self.account.has_gaps:
            return 0.0
        rows = EmailAccount.objects.filter(pk=self.account.pk)
        try:
            next_at = rows.values_list("next_send_at", flat=True).first()
        except DATABASE_AWAY:
            self.end_without_database()
            return 0.0
        return max(0.0, (next_at - self._clock()).total_seconds()) if next_at else 0.0

    def end_without_database(self) -> None:
        logger.exception("The database does not answer; the run ends")
        close_old_connections()
        self._end("database_away")

    # --- the loop

    def execute(self, lanes: int) -> SendReport:
        """Run until nothing is due, time is up or the account stops."""
        self._hand_overs = HandOvers(self.account, self.token, lanes=lanes)
        self._batches = lanes
        try:
            self._loop.start([Lane(self).work() for _ in range(lanes)])
            while self._results or (self._loop and not self._gives_up()):
                self._turn()
        finally:
            self._loop.close()
            self._finish()
        return self.report

    def _gives_up(self) -> bool:
        """After a stop a reply is awaited for a while; then its row stays `sending`."""
        if self._stopped_at is None and self._stop():
            self._stopped_at = time.monotonic()
        return (
            self._stopped_at is not None
            and time.monotonic() - self._stopped_at >= conf.TERM_SECONDS
        )

    def _turn(self) -> None:
        """Let every connection that is ready go on; commit when none is."""
        pending = bool(self._results or self._loop.asking())
        if not self._loop.turn(wait=not pending) and pending:
            self._commit()

    # --- what is written

    def _claim(self) -> bool:
        now = self._clock()
        if self._batch is not None:
            lasted = time.monotonic() - self._claimed_at
            self._batches = min(MAX_BATCHES, next_batches(self._batches, lasted))
        self._claimed_at = time.monotonic()
        token = new_token()
        claim = claim_batch(
            self.account.pk,
            token,
            now=now,
            batches=self._batches,
            counted=self._counted,
        )
        self.report.next_at = claim.next_at
        if not claim.deliveries:
            return False
        self._claims.append(token)
        self._mailings |= {row.mailing_id for row in claim.deliveries if row.mailing_id}
        self._count_skipped()
        self._batch = Batch(self.account, claim.deliveries, token, now=now)
        return True

    def _count_skipped(self) -> None:
        if self._batch is not None:
            self.report.skipped += self._batch.skipped
            self._batch.skipped = 0

    def _commit(self) -> None:
        """Write the results that have come and announce what goes out next."""
        results, self._results = self._results, []
        asking = self._loop.asking()
        messages = [message.delivery for message in asking]
        if self.is_stopped:
            messages = []
        found = patiently(lambda: self._write(results, messages))
        self._account_works |= shows_working_account(results)
        self.report.count(results)
        self._take_note(found)
        dot_before = self._announced_at + conf.HANDOVER_SECONDS
        for message in asking:
            granted = claim_of(message.delivery) in found.granted
            self._loop.answer(message, dot_before if granted else None)

    def _write(self, results: list[Result], messages: list[Delivery]) -> Announcement:
        """At once, if nothing is out of the ordinary, else in a transaction."""
        # From the beginning: this process may be stopped before the commit returns.
        self._announced_at = time.monotonic()
        now = self._clock()
        written = Written()
        if self._account_works or not results:
            written = self._hand_overs.at_once(
                results, messages, now, meanwhile=self._render_ahead
            )
        results = [row for row in results if row.delivery.pk not in written.marked]
        left = [row for row in messages if row.pk not in written.granted]
        found = Announcement()
        if results or left or not messages:
            found = self._write_carefully(results, left, now)
        found.granted |= {
            claim_of(row) for row in messages if row.pk in written.granted
        }
        return found

    @transaction.atomic
    def _write_carefully(
        self, results: list[Result], messages: list[Delivery], now: dt.datetime
    ) -> Announcement:
        record_all(results, now)
        if not self._account_works and shows_working_account(results):
            account_worked(self.account.pk, now)
        found = self._hand_overs.announce(messages, now)
        if found is None:
            found = Announcement()
            self._end("lanes_lost")
        if found.settings_changed:
            self._end("settings_changed")
        return found

    def _render_ahead(self) -> None:
        """One message for each lane, while the database has something to do."""
        if self._batch is not None and not self.is_over:
            self._batch.render_ahead(self._hand_overs.lanes)

    def _take_note(self, found: Announcement) -> None:
        self.report.skipped += len(found.skipped)
        self.report.moved += len(found.moved)
        if self._batch is not None:
            self._batch.drop(found.moved, found.held)

    def _finish(self) -> None:
        """Give back what was not begun; a mailing may be done by now."""
        self._count_skipped()
        mailings = MailingOut.objects.filter(pk__in=self._mailings)
        with transaction.atomic():
            for token in self._claims:
                self.report.released += Delivery.objects.release(token)
            mailings.close_cancelled()
        finish_mailings(mailings, self._clock())


def shows_working_account(results: list[Result]) -> bool:
    """The server judged a recipient: it took the account's login and sender."""
    return any(
        result.reply is not None and result.outcome.scope == Scope.RECIPIENT
        for result in results
    )
