"""The recheck and the `sending` UPDATE for messages that are ready for their dot."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import defaultdict
from dataclasses import dataclass, field

from massmail.audience.assignment import assign_accounts
from massmail.conf import conf
from massmail.models import Delivery, EmailAccount, MailingOut
from massmail.permissions import (
    has_wrong_account,
    may_be_mailed,
    may_be_mailed_alone,
    skip_reason,
)
from massmail.sending.lanes import extend_lanes
from massmail.sending.pacing import gap
from massmail.sending.recording import granted_ids, hand_over, take_turn

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
    """

    granted: set[Claim] = field(default_factory=set)
    skipped: set[int] = field(default_factory=set)
    moved: set[int] = field(default_factory=set)
    held: set[int | None] = field(default_factory=set)


def announce(
    account: EmailAccount,
    deliveries: list[Delivery],
    token: uuid.UUID,
    now: dt.datetime,
    *,
    lanes: int,
) -> Announcement | None:
    """Mark what may go out now as `sending`; runs inside the run's transaction.

    `token` is that of the run's lanes; each delivery brings that of its claim.
    None: the run slept past its leases, and its `lanes` are another's by now.
    """
    begins = bool(deliveries) and turn_is_taken(account, now)
    lease = conf.FINAL_DOT_TIMEOUT + conf.LEASE_MARGIN if begins else conf.LEASE_SECONDS
    # After the turn: both lock the account before its lanes, as `take_lanes` does.
    if extend_lanes(token, now + dt.timedelta(seconds=lease)) < lanes:
        return None
    found = Announcement()
    for (mailing_id, claim), rows in by_mailing_and_claim(deliveries).items():
        if begins:
            announce_of_mailing(found, account, mailing_id, rows, claim, now)
        else:
            hold(found, mailing_id, rows, claim)
    return found


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
        rows[delivery.mailing_id, delivery.claim_token].append(delivery)
    return rows


def announce_of_mailing(
    found: Announcement,
    account: EmailAccount,
    mailing_id: int | None,
    rows: list[Delivery],
    token: uuid.UUID,
    now: dt.datetime,
) -> None:
    mailing = MailingOut.objects.select_related("owner").filter(pk=mailing_id).first()
    allowed = may_be_mailed(mailing, now) if mailing else may_be_mailed_alone(now)
    granted = hand_over(rows, token, allowed=allowed, now=now)
    found.granted |= {(pk, token) for pk in granted}
    refused = {row.pk for row in rows} - granted
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
