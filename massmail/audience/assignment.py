"""Which account mails whom: VIPs from the main one, all others in turn and to stay."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from common.utils.helpers import chunked
from massmail.models import (
    Delivery,
    EmailAccount,
    EmlAccountsQueue,
    MailingOut,
    MassContact,
)
from massmail.permissions import main_account, mass_mail_accounts

# SQLite allows 250,000 variables in a statement; PostgreSQL plans shorter lists better.
CHUNK = 5000


def assign_accounts(mailing: MailingOut, *, now: dt.datetime) -> None:
    """Give each waiting row without an account its own; may be repeated.

    Rows for which there is no account are skipped (`no_account`).
    """
    assign_vips(mailing)
    accounts = list(EmailAccount.objects.filter(mass_mail_accounts(mailing.owner_id)))
    keep_bound_accounts(mailing, accounts)
    rotate(mailing, accounts, now)
    waiting_rows(mailing).skip(Delivery.SkipReason.NO_ACCOUNT)
    bind_identities(mailing)


def have_account(mailing: MailingOut) -> Q:
    """Deliveries of the mailing for which an account exists now."""
    vip = Exists(identity().filter(is_vip=True))
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


def assign_vips(mailing: MailingOut) -> None:
    vips = waiting_rows(mailing).filter(Exists(identity().filter(is_vip=True)))
    account = EmailAccount.objects.filter(main_account(mailing.owner_id)).first()
    if account:
        vips.update(email_account=account)
    else:
        vips.skip(Delivery.SkipReason.NO_ACCOUNT)


def keep_bound_accounts(mailing: MailingOut, accounts: list[EmailAccount]) -> None:
    bound = identity().filter(email_account__in=accounts)
    waiting_rows(mailing).filter(Exists(bound)).update(
        email_account=Subquery(bound.values("email_account"))
    )


def rotate(mailing: MailingOut, accounts: list[EmailAccount], now: dt.datetime) -> None:
    """The rest in turn, beginning with the account that waited longest.

    A stopped account gets nobody new while another one can send.
    """
    working = [a for a in accounts if a.state != EmailAccount.State.STOPPED]
    if not (working or accounts):
        return
    with transaction.atomic():
        turns = EmlAccountsQueue.objects.turns(mailing.owner, working or accounts)
        given = 0
        for ids in chunked(waiting_ids(mailing), CHUNK):
            for offset in range(len(turns)):
                turn = turns[(given + offset) % len(turns)]
                # Still without one: another launch may just have given it away.
                waiting_rows(mailing).filter(pk__in=ids[offset :: len(turns)]).update(
                    email_account_id=turn.email_account_id
                )
            given += len(ids)
        remember_turns(turns, given, now)


def waiting_ids(mailing: MailingOut) -> Iterator[int]:
    """By key, a chunk at a time: the rows change while they are read."""
    last = 0
    while True:
        rows = waiting_rows(mailing).filter(pk__gt=last).order_by("pk")
        ids = list(rows.values_list("pk", flat=True)[:CHUNK])
        if not ids:
            return
        yield from ids
        last = ids[-1]


def remember_turns(turns: list[EmlAccountsQueue], given: int, now: dt.datetime) -> None:
    """Order the turns so that the next launch goes on behind the last one given.

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


def bind_identities(mailing: MailingOut) -> None:
    """Remember the account of each recipient whose old one is gone or foreign.

    Along the mailing's rows, so that the cost is that of the mailing, however many
    identities the installation has.
    """
    last = 0
    while rows := list(unbound_rows(mailing).filter(pk__gt=last)[:CHUNK]):
        by_account: dict[int, list[int]] = defaultdict(list)
        for _pk, identity_id, account_id in rows:
            by_account[account_id].append(identity_id)
        for account_id, identity_ids in by_account.items():
            MassContact.objects.filter(pk__in=identity_ids).update(
                email_account_id=account_id
            )
        last = rows[-1][0]


def unbound_rows(mailing: MailingOut) -> QuerySet[Delivery, tuple[int, int, int]]:
    """(row, identity, account) of recipients without an account of the owner's."""
    owner_id = mailing.owner_id
    own = Q(email_account__owner_id=owner_id) | Q(email_account__co_owner_id=owner_id)
    settled = MassContact.objects.filter(
        own | Q(is_vip=True), pk=OuterRef("mass_contact_id")
    )
    waiting = Delivery.objects.filter(
        ~Exists(settled),
        mailing=mailing,
        status=Delivery.Status.QUEUED,
        mass_contact__isnull=False,
        email_account__isnull=False,
    )
    return waiting.order_by("pk").values_list("pk", "mass_contact_id", "email_account")
