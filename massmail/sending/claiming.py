"""Taking due rows for a run: a batch, a lease, a token, inside the quotas."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import attrgetter

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from massmail.conf import conf
from massmail.models import Delivery, EmailAccount, MailingOut, MassmailSettings
from massmail.models.address import Address
from massmail.models.delivery_batches import claim_all
from massmail.models.first_of_zones import first_of_zones
from massmail.sending.business_time import BusinessTime, business_time
from massmail.sending.domain_caps import DomainCaps
from massmail.sending.pacing import batch_size, gap_is_over
from massmail.sending.quotas import Counted, room

# How often one claim looks for rows whose domains have room.
MAX_CAP_ROUNDS = 10
# How many rows a round looks at for those whose domains have none.
SEEN_AHEAD = 200
# In the queue, of rows of one priority.
place = attrgetter("not_before", "pk")


@dataclass(frozen=True, slots=True)
class Claim:
    """The rows taken; when there are none, when it is worth asking again."""

    deliveries: list[Delivery] = field(default_factory=list)
    next_at: dt.datetime | None = None


@transaction.atomic
def claim_batch(
    account_id: int,
    token: uuid.UUID,
    *,
    now: dt.datetime,
    batches: int = 1,
    counted: Counted | None = None,
) -> Claim:
    """Claim due rows of the account under its row lock, so many batches.

    The lock makes claims of one account follow each other, so that what is counted
    against the quotas cannot change between the count and the claim.
    """
    account = EmailAccount.objects.lock(account_id)
    if not EmailAccount.objects.ready(now).filter(pk=account_id).exists():
        return Claim(next_at=account.paused_until)
    if not gap_is_over(account, now):
        return Claim(next_at=account.next_send_at)
    settings = MassmailSettings.load()
    wanted = batch_size(account, batches)
    free = room(account, settings, now=now, wanted=wanted, counted=counted)
    if not free.count:
        return Claim(next_at=free.next_at)
    ids = due_ids(account, settings, now=now, count=free.count)
    if ids and account.warm_up_start is not None and account.warm_up_began_at is None:
        EmailAccount.objects.filter(pk=account_id).update(warm_up_began_at=now)
    until = now + dt.timedelta(seconds=conf.LEASE_SECONDS)
    # Still of this account: it may just have been handed over to another.
    taken = claim_all(
        ids,
        token,
        account_id=account_id,
        lease_until=until,
        domain=Address.parse(account.from_email).domain,
    )
    return Claim(taken)


def due_ids(
    account: EmailAccount,
    settings: MassmailSettings,
    *,
    now: dt.datetime,
    count: int,
) -> list[int]:
    """Due rows: mail without a mailing first, then mailings by launch."""
    ids = first_ids(due_alone(account, now), count)
    hours, caps = business_time(settings), DomainCaps(account, now)
    caps.count_in(ids)
    if hours is None or not hours.holds_everybody(now):
        for mailing_id in running_mailings(now, account):
            if len(ids) >= count:
                break
            rows = Delivery.objects.due(now).filter(
                email_account=account, mailing_id=mailing_id
            )
            zones = open_zones(account, mailing_id, hours, now)
            ids += ids_within_caps(caps, rows, count - len(ids), zones)
    return ids


def ids_within_caps(
    caps: DomainCaps,
    rows: QuerySet[Delivery],
    count: int,
    zones: list[str] | None,
) -> list[int]:
    """The first rows that the caps of their domains let through.

    Those that they do not are put off and due no more, so that each round sees others;
    the rounds of one claim are bounded, the next claim goes on.
    """
    ids: list[int] = []
    for _round in range(MAX_CAP_ROUNDS):
        wanted = count - len(ids)
        found = first_open_ids(rows.exclude(pk__in=ids), wanted, zones)
        ids += caps.fitting(found)
        if len(found) < wanted or len(ids) == count:
            break
        # With gaps a claim wants one row: a full domain at the head of the queue would
        # let nobody pass for hours if each round moved but one of its rows away.
        caps.clear_the_way(first_open_ids(rows.exclude(pk__in=ids), SEEN_AHEAD, zones))
    return ids


def due_alone(account: EmailAccount, now: dt.datetime) -> QuerySet[Delivery]:
    return Delivery.objects.due(now).filter(email_account=account, mailing=None)


def open_zones(
    account: EmailAccount, mailing_id: int, hours: BusinessTime | None, now: dt.datetime
) -> list[str] | None:
    """The time zones of due rows whose hours are open, those first that end first.

    None: the recipients' clocks do not matter.
    """
    if hours is None or not hours.by_recipient:
        return None
    pair = account.pk, mailing_id
    rows = sorted(open_rows(first_of_zones([pair])[pair], hours, now), key=place)
    rows.sort(key=lambda row: hours.at(row.time_zone).closing(now))
    return [row.time_zone for row in rows]


def open_rows(
    rows: Iterable[Delivery], hours: BusinessTime, now: dt.datetime
) -> list[Delivery]:
    """Those that are due, in their recipients' hours."""
    return [
        row
        for row in rows
        if row.not_before <= now and hours.at(row.time_zone).is_open(now)
    ]


def first_open_ids(
    rows: QuerySet[Delivery], count: int, zones: list[str] | None
) -> list[int]:
    """Those of a closed zone are passed by, however many they are."""
    if zones is None:
        return first_ids(rows, count)
    ids: list[int] = []
    for zone in zones:
        if len(ids) == count:
            break
        of_zone = rows.filter(time_zone=zone).order_by("not_before", "pk")
        ids += of_zone.values_list("pk", flat=True)[: count - len(ids)]
    return ids


def first_ids(rows: QuerySet[Delivery], count: int) -> list[int]:
    ordered = rows.order_by("priority", "not_before", "pk")
    return list(ordered.values_list("pk", flat=True)[:count])


def running_mailings(
    now: dt.datetime, account: EmailAccount | None = None
) -> list[int]:
    """Those that may send, of an account only where rows of it are due.

    Each mailing is one probe of the queue's index: a paused one costs nothing,
    however many rows it has.
    """
    mailings = MailingOut.objects.sending(now)
    if account is not None:
        due = Delivery.objects.due(now).filter(
            email_account=account, mailing=OuterRef("pk")
        )
        mailings = mailings.filter(Exists(due))
    ordered = mailings.order_by("launched_at", "pk")
    return list(ordered.values_list("pk", flat=True))
