"""Which account mails whom: VIPs from the main one, all others in turn and to stay."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from typing import NamedTuple

from django.db import transaction
from django.db.models import Exists, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, JSONObject

from common.given_rows import GivenKeys
from common.postgresql import without_compiling
from massmail.models import (
    Delivery,
    EmailAccount,
    EmlAccountsQueue,
    MailingOut,
    MassContact,
)
from massmail.permissions import main_account, mass_mail_accounts

# So many rows in one transaction: a moment for others, and still few statements.
CHUNK = 5000


class Waiting(NamedTuple):
    """A row, and what is known of its recipient; by the record, as in the recheck."""

    pk: int
    identity: int | None
    is_vip: bool
    bound_to: int | None


@dataclass(frozen=True)
class Accounts:
    """What an owner's mailing can be sent through."""

    main: int | None
    mass: list[EmailAccount]
    # Also those that do not serve now: recipients stay bound to them.
    own: set[int]

    @classmethod
    def of(cls, mailing: MailingOut) -> Accounts:
        owner_id = mailing.owner_id
        own = EmailAccount.objects.filter(
            Q(owner_id=owner_id) | Q(co_owner_id=owner_id)
        )
        main = own.filter(main_account(owner_id)).values_list("pk", flat=True)
        return cls(
            main=main.first(),
            mass=list(own.filter(mass_mail_accounts(owner_id))),
            own=set(own.values_list("pk", flat=True)),
        )


def assign_accounts(mailing: MailingOut, *, now: dt.datetime) -> None:
    """Give each waiting row without an account its own; may be repeated.

    Rows for which there is no account are skipped (`no_account`).
    """
    last = 0
    while rows := next_waiting(mailing, last):
        with transaction.atomic():
            share_out(mailing, rows, now=now)
        last = rows[-1].pk


def next_waiting(mailing: MailingOut, last: int) -> list[Waiting]:
    """By key, a chunk at a time: the rows change while they are read."""
    rows = waiting_rows(mailing).filter(pk__gt=last).order_by("pk")
    found = rows.annotate(known=what_is_known()).values_list("pk", "known")
    with without_compiling():
        return [waiting(pk, known) for pk, known in found[:CHUNK]]


def what_is_known() -> Subquery:
    """Of a delivery's recipient: one look-up for each row, whatever the statistics."""
    facts = JSONObject(
        identity="pk", is_vip="is_vip", bound_to=Coalesce("email_account_id", 0)
    )
    return Subquery(identity().values(facts=facts)[:1])


def waiting(pk: int, known: dict[str, int] | None) -> Waiting:
    if known is None:
        return Waiting(pk, None, False, None)
    is_vip, bound_to = bool(known["is_vip"]), known["bound_to"] or None
    return Waiting(pk, known["identity"], is_vip, bound_to)


def share_out(mailing: MailingOut, rows: list[Waiting], *, now: dt.datetime) -> None:
    """Accounts for these rows, and their recipients bound to them; in a transaction."""
    accounts = Accounts.of(mailing)
    mass = {account.pk for account in accounts.mass}
    given: dict[int | None, list[Waiting]] = defaultdict(list)
    in_turn: list[Waiting] = []
    for row in rows:
        if row.is_vip:
            given[accounts.main].append(row)
        elif row.bound_to in mass:
            given[row.bound_to].append(row)
        else:
            in_turn.append(row)
    for account_id, taken in rotate(mailing, accounts.mass, in_turn, now).items():
        given[account_id] += taken
        bind(account_id, [row for row in taken if row.bound_to not in accounts.own])
    for account_id, taken in given.items():
        give(account_id, taken)


def give(account_id: int | None, taken: list[Waiting]) -> None:
    """To those still without one: another launch may just have given it away."""
    without = Coalesce("email_account_id", 0, output_field=IntegerField())
    rows = Delivery.objects.among([row.pk for row in taken])
    rows = rows.alias(account=without).filter(account=0, status=Delivery.Status.QUEUED)
    if account_id is None:
        rows.skip(Delivery.SkipReason.NO_ACCOUNT)
    else:
        rows.update(email_account_id=account_id)


def rotate(
    mailing: MailingOut,
    mass: list[EmailAccount],
    rows: list[Waiting],
    now: dt.datetime,
) -> dict[int | None, list[Waiting]]:
    """{account: rows} in turn, beginning with the account that waited longest.

    A stopped account gets nobody new while another one can send. Without any account
    all are None's.
    """
    if not rows or not mass:
        return {None: rows} if rows else {}
    working = [a for a in mass if a.state != EmailAccount.State.STOPPED]
    turns = EmlAccountsQueue.objects.turns(mailing.owner, working or mass)
    remember_turns(turns, len(rows), now)
    return {
        turn.email_account_id: rows[offset :: len(turns)]
        for offset, turn in enumerate(turns)
    }


def remember_turns(turns: list[EmlAccountsQueue], given: int, now: dt.datetime) -> None:
    """Order the turns so that the next chunk goes on behind the last one given.

    Also when that one comes in the same moment, or by a clock that was set back.
    """
    tick = dt.timedelta(microseconds=1)
    past = [turn.last_turn_at + tick for turn in turns if turn.last_turn_at]
    first = max([now, *past])
    served = min(given, len(turns))
    for rank in range(served):
        turn = turns[(given - served + rank) % len(turns)]
        turn.last_turn_at = first + rank * tick
    EmlAccountsQueue.objects.bulk_update(turns, ["last_turn_at"])


def bind(account_id: int | None, taken: list[Waiting]) -> None:
    """Remember the account of recipients whose old one is gone or foreign.

    Locked in the order of their keys: another launch may bind the same people.
    """
    if account_id is None:
        return
    identities = [row.identity for row in taken if row.identity]
    keys = GivenKeys(MassContact._meta.pk, identities)
    rows = MassContact.objects.filter(pk__in=keys, is_vip=False)
    list(rows.select_for_update(no_key=True).order_by("pk").values_list("pk"))
    rows.update(email_account_id=account_id)


def have_account(mailing: MailingOut, exists: type[Exists] = Exists) -> Q:
    """Deliveries of the mailing for which an account exists now."""
    vip = exists(identity().filter(is_vip=True))
    found = Q(pk__in=[])
    if EmailAccount.objects.filter(main_account(mailing.owner_id)).exists():
        found |= Q(vip)
    if EmailAccount.objects.filter(mass_mail_accounts(mailing.owner_id)).exists():
        found |= ~Q(vip)
    return found


def waiting_rows(mailing: MailingOut) -> QuerySet[Delivery]:
    return Delivery.objects.filter(
        mailing=mailing, status=Delivery.Status.QUEUED, email_account=None
    )


def identity() -> QuerySet[MassContact]:
    """The recipient's, by its record as in the recheck of each hand-over."""
    return MassContact.objects.filter(
        content_type_id=OuterRef("content_type_id"), object_id=OuterRef("object_id")
    )
