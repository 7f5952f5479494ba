"""Workers and a mail server in one thread: each step happens when a test says so.

The steps are those of `orchestrator.run`, with its transactions; what a worker keeps
in memory between two of them survives whatever happens in the database meanwhile.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter
from dataclasses import dataclass, field

from django.db import transaction

from massmail.backends.phases import Phase, Reply
from massmail.conf import conf
from massmail.models import Delivery, EmailAccount, MailingOut
from massmail.models.email_account import new_token
from massmail.models.server_statement import nothing
from massmail.orchestrator.handover import HandOvers, claim_of
from massmail.orchestrator.outgoing import Batch, Outgoing
from massmail.sending.claiming import claim_batch
from massmail.sending.lanes import return_lanes, take_lanes
from massmail.sending.outcomes import classify
from massmail.sending.recording import Result, record_all

ACCEPTED = Reply(250, "2.0.0", "queued")


@dataclass
class MailServer:
    """What it took, by delivery and by address."""

    accepted: Counter[int] = field(default_factory=Counter)
    addresses: Counter[str] = field(default_factory=Counter)

    def take(self, message: Outgoing) -> None:
        self.accepted[message.delivery.pk] += 1
        self.addresses[message.rcpt_to] += 1


@dataclass
class InFlight:
    """A message whose dot may be written, and what the server made of it."""

    message: Outgoing
    announced_at: dt.datetime
    # Of the server's answer, once the dot has left; None: there is none yet.
    answer: Reply | None = None
    has_left: bool = False


@dataclass
class Worker:
    """One connection of one account: lane, batch, message in flight."""

    server: MailServer
    account: EmailAccount
    # How far the clock of its host is wrong.
    skew: dt.timedelta = dt.timedelta(0)
    token: uuid.UUID | None = None
    hand_overs: HandOvers | None = None
    batch: Batch | None = None
    claims: list[uuid.UUID] = field(default_factory=list)
    asking: Outgoing | None = None
    in_flight: InFlight | None = None
    results: list[Result] = field(default_factory=list)

    def take_lane(self, now: dt.datetime) -> None:
        token = new_token()
        self.account.refresh_from_db()
        if take_lanes(self.account, token, wanted=1, now=now):
            self.token = token
            self.hand_overs = HandOvers(self.account, token, lanes=1)

    def prepare(self, now: dt.datetime) -> None:
        """Up to the server's 354 for the next message, of a new claim if need be."""
        self.asking = self.batch.next() if self.batch else None
        if self.asking is None and self._claim(now):
            self.asking = self.batch.next()

    def _claim(self, now: dt.datetime) -> bool:
        token = new_token()
        rows = claim_batch(self.account.pk, token, now=now).deliveries
        if rows:
            self.claims.append(token)
            self.batch = Batch(self.account, rows, token, now=now)
        return bool(rows)

    def commit(self, now: dt.datetime) -> None:
        """As `Run._commit`: results that have come and the message that asks."""
        results, self.results = self.results, []
        asking, self.asking = self.asking, None
        rows = [asking.delivery] if asking else []
        written = self.hand_overs.at_once(results, rows, now, meanwhile=nothing)
        with transaction.atomic():
            rest = [it for it in results if it.delivery.pk not in written.marked]
            record_all(rest, now)
            left = [row for row in rows if row.pk not in written.granted]
            found = self.hand_overs.announce(left, now)
        if found is None:
            self.batch = self.token = None
            return
        if found.settings_changed:
            self.end()
            return
        if self.batch:
            self.batch.drop(found.moved, found.held)
        may_go = asking and claim_of(asking.delivery) in found.granted
        if may_go or written.granted:
            self.in_flight = InFlight(asking, now)

    def write_dot(self, answer: Reply, now: dt.datetime) -> None:
        """The dot leaves in time or not at all."""
        flight = self.in_flight
        if (now - flight.announced_at).total_seconds() > conf.HANDOVER_SECONDS:
            self.lose_connection()
            return
        flight.answer, flight.has_left = answer, True
        if answer.is_positive:
            self.server.take(flight.message)

    def read_answer(self) -> None:
        flight, self.in_flight = self.in_flight, None
        delivery, reply = flight.message.delivery, flight.answer
        outcome = classify(Phase.DOT, reply)
        self.results.append(Result(delivery, outcome, reply, announced=True))

    def lose_connection(self) -> None:
        """Before the dot or after it; what the server did stays unknown."""
        flight, self.in_flight = self.in_flight, None
        phase = Phase.DOT if flight.has_left else Phase.BODY
        outcome = classify(phase, None, detail="connection_lost: gone")
        self.results.append(
            Result(flight.message.delivery, outcome, None, announced=True)
        )

    def step(self, answer: Reply, now: dt.datetime) -> None:
        """What a run would do next; `answer` is that to a dot."""
        now += self.skew
        if self.token is None:
            self.take_lane(now)
        elif self.results or self.asking:
            self.commit(now)
        elif self.in_flight is None:
            self.prepare(now)
        elif self.in_flight.has_left:
            self.read_answer()
        else:
            self.write_dot(answer, now)

    def end(self) -> None:
        """The run is over: what was not begun goes back."""
        for claim in self.claims:
            Delivery.objects.release(claim)
        MailingOut.objects.all().close_cancelled()
        if self.token:
            return_lanes(self.token)
        self.die()

    def die(self) -> None:
        self.token = self.batch = self.asking = self.in_flight = None
        self.results, self.claims = [], []
