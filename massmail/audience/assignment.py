"""Which account mails whom: VIPs from the main one, all others in turn and to stay.

It is the launch that gives accounts, binds recipients and moves the turn. Each row is
added with the account that it would get at that moment, so that the launch, which
decides anew, has to write only those that get another: to write a row's indexes once
more costs more than all else that a launch does with it.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import cycle
from typing import NamedTuple

from django.db import transaction
from django.db.models import (
    Case,
    Exists,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce, Concat

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
# No account has this key.
IN_TURN = 0


class Known(NamedTuple):
    """What is known of a recipient; by the record, as in the recheck."""

    identity: int | None = None
    is_vip: bool = False
    bound_to: int | None = None


class Waiting(NamedTuple):
    """A row, the account that it has so far, and what is known of its recipient."""

    pk: int
    account: int | None = None
    known: Known = Known()


@dataclass(frozen=True)
class Accounts:
    """What an owner's mailing can be sent through."""

    main: int | None
    mass: list[EmailAccount]
    serving: set[int]
    # Also those that do not serve now: recipients stay bound to them.
    own: set[int]

    @classmethod
    def of(cls, mailing: MailingOut) -> Accounts:
        owner_id = mailing.owner_id
        own = EmailAccount.objects.filter(
            Q(owner_id=owner_id) | Q(co_owner_id=owner_id)
        )
        main = own.filter(main_account(owner_id)).values_list("pk", flat=True)
        mass = list(own.filter(mass_mail_accounts(owner_id)).order_by("pk"))
        return cls(
            main=main.first(),
            mass=mass,
            serving={account.pk for account in mass},
            own=set(own.values_list("pk", flat=True)),
        )

    @property
    def takers(self) -> list[EmailAccount]:
        """A stopped account gets nobody new while another one can send."""
        working = [a for a in self.mass if a.state != EmailAccount.State.STOPPED]
        return working or self.mass

    def by_right(self, known: Known) -> int | None:
        """The account that mails this one, whoever's turn it is, or `IN_TURN`."""
        if known.is_vip:
            return self.main
        return known.bound_to if known.bound_to in self.serving else IN_TURN


def planned_accounts(mailing: MailingOut, people: Iterable[Known]) -> list[int | None]:
    """What a launch would give them now, more or less: nobody's turn is moved."""
    accounts = Accounts.of(mailing)
    turns = cycle([account.pk for account in accounts.takers] or [None])
    by_right = map(accounts.by_right, people)
    return [next(turns) if found == IN_TURN else found for found in by_right]


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
    found = rows.annotate(facts=facts_of_identity()).values_list("pk", "facts")
    with without_compiling():
        return [Waiting(pk, None, known(facts)) for pk, facts in found[:CHUNK]]


def facts_of_identity() -> Subquery:
    """Of a row's recipient: one look-up for each row, whatever the statistics.

    In one text, as `known` reads it.
    """
    facts = Concat(
        Cast("pk", TextField()),
        Value(" "),
        Case(When(is_vip=True, then=Value("1")), default=Value("0")),
        Value(" "),
        Cast(Coalesce("email_account_id", 0), TextField()),
        output_field=TextField(),
    )
    return Subquery(identity().values(facts=facts)[:1])


def known(facts: str | None) -> Known:
    if facts is None:
        return Known()
    identity, is_vip, bound_to = map(int, facts.split())
    return Known(identity, bool(is_vip), bound_to or None)


def share_out(mailing: MailingOut, rows: list[Waiting], *, now: dt.datetime) -> None:
    """Accounts for these rows, and their recipients bound to them; in a transaction."""
    accounts = Accounts.of(mailing)
    given: dict[int | None, list[Waiting]] = defaultdict(list)
    for row in rows:
        given[accounts.by_right(row.known)].append(row)
    in_turn = given.pop(IN_TURN, [])
    for account_id, taken in rotate(mailing, accounts.takers, in_turn, now).items():
        given[account_id] += taken
        new = [row for row in taken if row.known.bound_to not in accounts.own]
        bind(account_id, new)
    for account_id, taken in given.items():
        give(account_id, taken)


def give(account_id: int | None, taken: list[Waiting]) -> None:
    """To those that have another or none.

    As far as they still do: another launch may just have given one away.
    """
    has = Coalesce("email_account_id", 0, output_field=IntegerField())
    for before in {row.account for row in taken}:
        keys = [row.pk for row in taken if row.account == before]
        rows = Delivery.objects.among(keys).alias(has=has)
        rows = rows.filter(has=before or 0, status=Delivery.Status.QUEUED)
        if account_id is None:
            rows.skip(Delivery.SkipReason.NO_ACCOUNT, email_account=None)
        elif account_id != before:
            rows.update(email_account_id=account_id)


def rotate(
    mailing: MailingOut,
    takers: list[EmailAccount],
    rows: list[Waiting],
    now: dt.datetime,
) -> dict[int | None, list[Waiting]]:
    """{account: rows} in turn, beginning with the account that waited longest.

    Without any account all are None's.
    """
    if not rows or not takers:
        return {None: rows} if rows else {}
    turns = EmlAccountsQueue.objects.turns(mailing.owner, takers)
    remember_turns(turns, len(rows), now)
    return dealt([turn.email_account_id for turn in turns], rows)


def dealt(turns: list[int], rows: list[Waiting]) -> dict[int | None, list[Waiting]]:
    """As many rows for each account as if they were dealt out one by one.

    Who has one of the accounts already keeps it while there is room.
    """
    count = len(rows)
    room = Counter(
        {turn: len(range(i, count, len(turns))) for i, turn in enumerate(turns)}
    )
    given: dict[int | None, list[Waiting]] = {turn: [] for turn in turns}
    others = []
    for row in rows:
        if row.account is not None and room[row.account]:
            room[row.account] -= 1
            given[row.account].append(row)
        else:
            others.append(row)
    with_room = (turn for turn in cycle(turns) if room[turn])
    for row, turn in zip(others, with_room, strict=False):
        room[turn] -= 1
        given[turn].append(row)
    return given


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
    identities = [row.known.identity for row in taken if row.known.identity]
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
