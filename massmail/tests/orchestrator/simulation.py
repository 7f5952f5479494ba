"""A mailing sent on a virtual clock: everything is real but time and the network.

The walk, claims, quotas, gaps and hand-over commits are those of the sender; a server
takes each message a fixed time after its announcement.
"""

from __future__ import annotations

import datetime as dt
import heapq
import math
from collections.abc import Iterator

from massmail.backends.phases import Reply
from massmail.conf import conf
from massmail.models import Delivery, EmailAccount, MailingOut, MassmailSettings
from massmail.models.email_account import new_token
from massmail.orchestrator.handover import HandOvers
from massmail.orchestrator.lines import SECONDS_PER_MESSAGE
from massmail.orchestrator.report import WAKE_AHEAD_SECONDS
from massmail.orchestrator.sender import WALK_SECONDS
from massmail.orchestrator.waiting import opens
from massmail.orchestrator.walk import walk_account_queues
from massmail.sending.business_time import business_time
from massmail.sending.claiming import claim_batch
from massmail.sending.lanes import lanes_of, return_lanes, take_lanes
from massmail.sending.outcomes import Outcome, Scope, Verdict
from massmail.sending.recording import Result, record

ACCEPTED = Outcome(Scope.RECIPIENT, Verdict.SENT)
OK = Reply(250, "2.0.0", "OK")


class MeanDraws:
    """A mailing of a few mails, too, meets the mean of its gaps."""

    def uniform(self, low: float, high: float) -> float:
        return (low + high) / 2


class EvenDraws:
    """As wide as random draws, and meeting their mean after some dozens."""

    def __init__(self) -> None:
        self._position = 0.5

    def uniform(self, low: float, high: float) -> float:
        self._position = (self._position + (math.sqrt(5) - 1) / 2) % 1.0
        return low + (high - low) * self._position


class AccountRun:
    """One run of an account, from a moment on."""

    def __init__(self, account_id: int, now: dt.datetime) -> None:
        self.account = EmailAccount.objects.get(pk=account_id)
        self.now = now
        self.next_at: dt.datetime | None = None
        self.last_sent_at: dt.datetime | None = None
        self._ends_at = now + seconds(conf.RUN_SECONDS)
        self._lanes = lanes_of(self.account)

    @property
    def is_over(self) -> bool:
        return self.now >= self._ends_at

    def execute(self) -> None:
        token = new_token()
        taken = take_lanes(self.account, token, wanted=self._lanes, now=self.now)
        assert taken == self._lanes
        hand_overs = HandOvers(self.account, token, lanes=self._lanes)
        while not self.is_over:
            claim = claim_batch(self.account.pk, (claimed := new_token()), now=self.now)
            if not claim.deliveries:
                self.next_at = claim.next_at
                break
            for delivery in self._until_over(claim.deliveries):
                self._send(delivery, hand_overs)
            Delivery.objects.release(claimed)
        else:
            self.account.refresh_from_db()
            self.next_at = max(self.now, self.account.next_send_at or self.now)
        return_lanes(token)

    def _until_over(self, deliveries: list[Delivery]) -> Iterator[Delivery]:
        for delivery in deliveries:
            if self.is_over:
                return
            yield delivery

    def _send(self, delivery: Delivery, hand_overs: HandOvers) -> None:
        found = hand_overs.announce([delivery], self.now)
        assert found.granted == {(delivery.pk, delivery.claim_token)}
        self.now += seconds(SECONDS_PER_MESSAGE / self._lanes)
        result = Result(delivery, ACCEPTED, OK, announced=True)
        assert record(result, delivery.claim_token, self.now)
        self.last_sent_at = self.now
        self._rest()

    def _rest(self) -> None:
        self.account.refresh_from_db()
        next_at = self.account.next_send_at
        if next_at and next_at - self.now <= seconds(conf.SHORT_GAP_SECONDS):
            self.now = max(self.now, next_at)


def simulate(mailing: MailingOut, now: dt.datetime) -> dict[int, dt.datetime]:
    """Send a launched mailing to its end; {account id: when its last mail left}."""
    finished: dict[int, dt.datetime] = {}
    events = [(next_walk(now), pk, False) for pk in waiting_accounts(mailing)]
    while events:
        moment, account_id, woken = heapq.heappop(events)
        due = woken or account_id in walk_account_queues(moment)
        run = AccountRun(account_id, moment)
        run.execute()
        if run.last_sent_at:
            assert due
            finished[account_id] = run.last_sent_at
        if account_id in waiting_accounts(mailing):
            next_at, by_wake_up = next_run(run)
            heapq.heappush(events, (next_at, account_id, by_wake_up))
    assert not mailing.deliveries.exclude(status__in=("sent", "skipped")).exists()
    return finished


def waiting_accounts(mailing: MailingOut) -> list[int]:
    rows = mailing.deliveries.filter(status=Delivery.Status.QUEUED).order_by()
    return list(rows.values_list("email_account", flat=True).distinct())


def next_run(run: AccountRun) -> tuple[dt.datetime, bool]:
    """When the run has asked for the next one (True), else a walk that may find it."""
    ahead = run.next_at and run.next_at - run.now
    if run.last_sent_at and ahead and ahead <= seconds(WAKE_AHEAD_SECONDS):
        return max(run.now, run.next_at), True
    moment = next_walk(max(run.now, run.next_at or run.now))
    hours = business_time(MassmailSettings.load())
    rows = Delivery.objects.filter(
        email_account=run.account, status=Delivery.Status.QUEUED
    )
    return next_walk(opens(rows, hours, moment)), False


def next_walk(moment: dt.datetime) -> dt.datetime:
    return moment + seconds(-moment.timestamp() % WALK_SECONDS)


def seconds(number: float) -> dt.timedelta:
    return dt.timedelta(seconds=number)
