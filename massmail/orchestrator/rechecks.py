"""The recheck of each mailing of a run, as the UPDATE that carries it.

What a host computes in Python for an owner (`addressable_by`) is asked for once a
second; all that it asks the database for holds at each hand-over.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from functools import cached_property

from django.core.exceptions import EmptyResultSet
from django.db.models import BooleanField, Count, Q
from django.db.models.expressions import Func, Subquery, Value

from massmail.models import AccountLane, MailingOut
from massmail.models.delivery_batches import HandOver
from massmail.models.ordinary_commit import OrdinaryCommit
from massmail.models.prepared import NOW
from massmail.permissions import (
    may_be_mailed,
    may_be_mailed_alone,
    may_be_mailed_through,
)
from massmail.recipients.registry import source_for

FRESH_SECONDS = 1.0


class HoldsLanes(Func):
    """Whether a run's lanes are still its own."""

    template = "%(expressions)s"
    arg_joiner = " = "

    def __init__(self, token: uuid.UUID, lanes: int) -> None:
        of_run = AccountLane.objects.filter(token=token).order_by().values("token")
        count = of_run.annotate(count=Count("pk")).values("count")
        super().__init__(Subquery(count), Value(lanes), output_field=BooleanField())


class Statements:
    """The UPDATEs of a recheck, made from the same conditions (`basis`).

    `hand_over` asks in few look-ups; what it refuses is for `in_full` to judge.
    `ordinary` has the first; None where the database can't do it at once.
    """

    def __init__(self, basis: object, short: Q, full: Q) -> None:
        self.basis = basis
        self.hand_over = HandOver(short)
        self.ordinary = OrdinaryCommit.of(self.hand_over.update)
        self._full = full

    @cached_property
    def in_full(self) -> HandOver:
        return HandOver(self._full)


@dataclass(frozen=True, slots=True)
class Recheck:
    """`mailing` as it was when the recheck was made."""

    mailing: MailingOut | None
    statements: Statements
    made_at: float


class Rechecks:
    """By mailing; None is mail without one. `also` must hold for each."""

    def __init__(self, account_id: int, also: Q) -> None:
        self._account_id = account_id
        self._also = also
        self._made: dict[int | None, Recheck] = {}

    def of(self, mailing_id: int | None) -> Recheck:
        made = self._made.get(mailing_id)
        if made and time.monotonic() - made.made_at < FRESH_SECONDS:
            return made
        return self.anew(mailing_id)

    def anew(self, mailing_id: int | None) -> Recheck:
        """As of this moment; its UPDATEs are made again if they would be others."""
        mailings = MailingOut.objects.select_related("owner", "content_type")
        mailing = mailings.filter(pk=mailing_id).first() if mailing_id else None
        basis, made = basis_of(mailing), self._made.get(mailing_id)
        if made and made.statements.basis == basis:
            statements = made.statements
        else:
            short, full = self._conditions(mailing)
            statements = Statements(basis, short & self._also, full & self._also)
        fresh = Recheck(mailing, statements, time.monotonic())
        self._made[mailing_id] = fresh
        return fresh

    def _conditions(self, mailing: MailingOut | None) -> tuple[Q, Q]:
        if mailing is None:
            alone = may_be_mailed_alone(NOW)
            return alone, alone
        short = may_be_mailed_through(self._account_id, mailing, NOW)
        return short, may_be_mailed(mailing, NOW)


def basis_of(mailing: MailingOut | None) -> object:
    """What the host's own part of the recheck is, the mailing's owner and its lists."""
    if mailing is None:
        return None
    source = source_for(mailing.content_type)
    records = source.records_for(mailing.owner).values("pk")
    try:
        asked = records.query.sql_with_params()
    except EmptyResultSet:
        asked = None
    return mailing.owner_id, asked, dict(source.exclusions), mailing.list_keys()
