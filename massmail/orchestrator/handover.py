"""The recheck and the `sending` UPDATE for messages that are ready for their dot."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db.models import Q

from massmail.audience.assignment import assign_accounts
from massmail.conf import conf
from massmail.models import Delivery, EmailAccount, MailingOut
from massmail.models.delivery_batches import HandOver
from massmail.models.ordinary_commit import Written
from massmail.orchestrator.conditions import SetByPeople
from massmail.orchestrator.rechecks import HoldsLanes, Rechecks
from massmail.permissions import has_wrong_account, skip_reason
from massmail.sending.lanes import extend_lanes
from massmail.sending.pacing import gap
from massmail.sending.recording import (
    Result,
    dot_lease,
    granted_ids,
    hand_over,
    take_turn,
)

NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)

# Id and token: a run that slept past its leases may have claimed a row once more, and
# only one of its two claims is good.
Claim = tuple[int, uuid.UUID | None]


def claim_of(delivery: Delivery) -> Claim:
    return delivery.pk, delivery.claim_token


@dataclass(slots=True)
class Announcement:
    """What became of the deliveries that asked to go out.

    `granted` claims may go out. Ids: `skipped` must not for the recipient's sake,
    `moved` wait for another account. `held`: mailings (None: mail without one) of
    which nothing may go out now; their rows stay claimed until the run releases them.
    `settings_changed`: the run must end, since people have set something else.
    """

    granted: set[Claim] = field(default_factory=set)
    skipped: set[int] = field(default_factory=set)
    moved: set[int] = field(default_factory=set)
    held: set[int | None] = field(default_factory=set)
    settings_changed: bool = False


class HandOvers:
    """Those of one run, whose lanes have the `token`; deliveries bring their claims'.

    The recheck is a part of the `sending` UPDATE, which is made once a second.
    """

    def __init__(self, account: EmailAccount, token: uuid.UUID, *, lanes: int) -> None:
        self.account = account
        self._set_by_people = SetByPeople(account)
        self.rechecks = Rechecks(
            account.pk, Q(HoldsLanes(token, lanes)) & self._set_by_people.unchanged
        )
        self._token = token
        self.lanes = lanes
        # The lanes were leased at the first of these moments until the second.
        self._leased: tuple[dt.datetime, dt.datetime | None] = (NEVER, None)

    def at_once(
        self,
        results: list[Result],
        deliveries: list[Delivery],
        now: dt.datetime,
        *,
        meanwhile: Callable[[], object],
    ) -> Written:
        """Record and announce what one statement can, outside of any transaction.

        What it leaves takes the long way: `record_all`, then `announce`. `meanwhile`
        is called while the database is at work, and must not use it.
        """
        groups = by_mailing_and_claim(deliveries)
        if len(groups) != 1 or not are_ordinary(results, deliveries):
            return Written()
        ((mailing_id, claim),) = groups
        ordinary = self.rechecks.of(mailing_id).statements.ordinary
        has_gaps = self.account.has_gaps
        if ordinary is None or has_gaps or not self._keeps_lanes(now, begins=True):
            return Written()
        return ordinary(
            [result.accepted for result in results],
            [row.pk for row in deliveries],
            claim,
            now=now,
            lease_until=dot_lease(now),
            meanwhile=meanwhile,
        )

    def announce(
        self, deliveries: list[Delivery], now: dt.datetime
    ) -> Announcement | None:
        """Mark what may go out now as `sending`; runs inside the run's transaction.

        None: the run slept past its leases, and its lanes are another's by now.
        """
        begins = bool(deliveries) and turn_is_taken(self.account, now)
        # After the turn: both lock the account before its lanes, as `take_lanes` does.
        if not self._keeps_lanes(now, begins=begins):
            return None
        found = Announcement()
        groups = by_mailing_and_claim(deliveries)
        for (mailing_id, claim), rows in groups.items():
            if begins:
                allowed = self.rechecks.of(mailing_id).statements.hand_over
                groups[mailing_id, claim] = grant(found, rows, allowed, now)
            else:
                hold(found, mailing_id, rows, claim)
        if begins and any(groups.values()):
            return self._look_closer(found, groups, now)
        return found

    def _keeps_lanes(self, now: dt.datetime, *, begins: bool) -> bool:
        """Lease the lanes for longer where their time gets short.

        They are leased ahead, so that not every commit has to; that they are still
        this run's is a part of the recheck.
        """
        wanted = lanes_until(now, begins=begins)
        leased_at, leased_until = self._leased
        if leased_until and leased_at <= now and wanted <= leased_until:
            return True
        until = wanted + dt.timedelta(seconds=conf.LEASE_SECONDS / 4)
        if extend_lanes(self._token, until) < self.lanes:
            return False
        self._leased = now, until
        return True

    def _look_closer(
        self,
        found: Announcement,
        refused: dict[tuple[int | None, uuid.UUID], list[Delivery]],
        now: dt.datetime,
    ) -> Announcement | None:
        """By rechecks of this moment; what is refused then learns why."""
        if not self._set_by_people.still_hold():
            found.settings_changed = True
            return found
        until = lanes_until(now, begins=True)
        if not found.granted and extend_lanes(self._token, until) < self.lanes:
            return None
        for (mailing_id, claim), rows in refused.items():
            if rows:
                recheck = self.rechecks.anew(mailing_id)
                left = grant(found, rows, recheck.statements.in_full, now)
                ids = {row.pk for row in left}
                explain_refused(
                    found, self.account, recheck.mailing, mailing_id, ids, claim, now
                )
        return found


def lanes_until(now: dt.datetime, *, begins: bool) -> dt.datetime:
    lease = conf.FINAL_DOT_TIMEOUT + conf.LEASE_MARGIN if begins else conf.LEASE_SECONDS
    return now + dt.timedelta(seconds=lease)


def are_ordinary(results: list[Result], deliveries: list[Delivery]) -> bool:
    """Acceptances alone, each of another row, and none of one that is to go out."""
    rows = [result.delivery.pk for result in results] + [row.pk for row in deliveries]
    is_plain = all(result.is_acceptance for result in results)
    return is_plain and len(set(rows)) == len(rows)


def grant(
    found: Announcement, rows: list[Delivery], allowed: HandOver, now: dt.datetime
) -> list[Delivery]:
    """Returns those that must not go out, as it seems."""
    token = rows[0].claim
    granted = hand_over(rows, token, allowed=allowed, now=now)
    found.granted |= {(pk, token) for pk in granted}
    return [row for row in rows if row.pk not in granted]


def hold(
    found: Announcement,
    mailing_id: int | None,
    rows: list[Delivery],
    token: uuid.UUID,
) -> None:
    """The account's gap lasts: nothing begins.

    Unless it is the gap of these very rows: of a commit that is repeated because its
    answer was lost.
    """
    granted = granted_ids([row.pk for row in rows], token)
    found.granted |= {(pk, token) for pk in granted}
    if len(granted) < len(rows):
        found.held.add(mailing_id)


def turn_is_taken(account: EmailAccount, now: dt.datetime) -> bool:
    if not account.has_gaps:
        return True
    return take_turn(account, now=now, next_at=now + gap(account))


def by_mailing_and_claim(
    deliveries: list[Delivery],
) -> dict[tuple[int | None, uuid.UUID], list[Delivery]]:
    rows: dict[tuple[int | None, uuid.UUID], list[Delivery]] = defaultdict(list)
    for delivery in deliveries:
        rows[delivery.mailing_id, delivery.claim].append(delivery)
    return rows


def explain_refused(
    found: Announcement,
    account: EmailAccount,
    mailing: MailingOut | None,
    mailing_id: int | None,
    refused: set[int],
    token: uuid.UUID,
    now: dt.datetime,
) -> None:
    """Skip what must not go for the recipient's sake, hand on what is another's."""
    for pk in refused:
        reason = skip_reason(mailing, pk)
        if reason and Delivery.objects.skip_claimed(pk, token, reason):
            found.skipped.add(pk)
    is_cancelled = mailing and mailing.status == MailingOut.Status.INTERRUPTED
    if mailing and not is_cancelled and refused - found.skipped:
        found.moved |= hand_on(mailing, account, token, now)
    if refused - found.skipped - found.moved:
        found.held.add(mailing_id)


def hand_on(
    mailing: MailingOut, account: EmailAccount, token: uuid.UUID, now: dt.datetime
) -> set[int]:
    """Give rows that the account must not mail any more to others, all at once.

    It changed hands or its purpose, or a recipient became a VIP. Returns those that
    this run held.
    """
    rows = Delivery.objects.filter(
        has_wrong_account(mailing), mailing=mailing, email_account=account
    )
    held = rows.held_by(token, Delivery.Status.CLAIMED)
    moved = set(held.values_list("pk", flat=True))
    if moved:
        rows.hand_on(token)
        assign_accounts(mailing, now=now)
    return moved
