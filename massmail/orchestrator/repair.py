"""What a person decides after a fault: of uncertain and failed rows, of accounts."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from common.utils.helpers import chunked
from massmail.audience.assignment import Waiting, rotate
from massmail.exceptions import NotAllowed, WrongState
from massmail.models import (
    Delivery,
    DeliveryEvent,
    EmailAccount,
    MailingOut,
    MassContact,
)
from massmail.models.delivery_states import DOMAIN_LIMIT
from massmail.models.delivery_transitions import DeliveryQuerySet
from massmail.models.planned_accounts import waiting_for
from massmail.models.proof import resolve_by_proof
from massmail.orchestrator.clock import Clock
from massmail.orchestrator.decisions import log, require
from massmail.permissions import mass_mail_accounts, recipient_blockers
from massmail.recipients.access import access_policy

Status = Delivery.Status
CHUNK = 1000


def count_as_sent(
    rows: QuerySet[Delivery], *, by: Any, now: dt.datetime | None = None
) -> int:
    """A person knows that these uncertain messages arrived; returns how many."""
    return resolve(rows, sent=True, by=by, detail="counted as sent", now=now)


def send_again(
    rows: QuerySet[Delivery], *, by: Any, now: dt.datetime | None = None
) -> int:
    """A person wants these uncertain messages repeated, with the same Message-ID."""
    return resolve(rows, sent=False, by=by, detail="sent again", now=now)


def resolve(
    rows: QuerySet[Delivery],
    *,
    sent: bool,
    by: Any,
    detail: str,
    now: dt.datetime | None,
) -> int:
    """Raises NotAllowed when one of the mailings is not this person's to decide."""
    moment = Clock(now)()
    uncertain = rows.filter(status=Status.UNCERTAIN)
    chosen = list(uncertain.values_list("pk", "mailing_id"))
    mailings = require_all({mailing_id for _pk, mailing_id in chosen}, by)
    resolved = Counter(
        mailing_id
        for pk, mailing_id in chosen
        if resolve_by_proof(pk, sent=sent, now=moment, detail=detail, by=by)
    )
    for mailing_id, mailing in mailings.items():
        if count := resolved[mailing_id]:
            log(mailing, by, f"{count} uncertain: {detail}")
    return resolved.total()


def require_all(ids: set[int | None], by: Any) -> dict[int, MailingOut]:
    """The mailings of these ids; None stands for mail without a mailing."""
    mailings = MailingOut.objects.in_bulk(ids - {None})
    for mailing in mailings.values():
        require(by, "resolve", mailing)
    if None in ids and not by.is_superuser:
        raise NotAllowed(_("Only a superuser may do this."))
    return mailings


def send_again_to_failed(
    mailing: MailingOut, *, by: Any, now: dt.datetime | None = None
) -> int:
    """Put all failed rows back and let the mailing go on; returns how many.

    Who is on the don't-mail list by now is skipped at the hand-over, as ever.
    """
    moment = Clock(now)()
    require(by, "resolve", mailing)
    if mailing.status == MailingOut.Status.INTERRUPTED:
        raise WrongState(_("The mailing was cancelled."))
    if mailing.is_over(moment):
        raise WrongState(_("The mailing's time is over."))
    failed = Delivery.objects.filter(mailing=mailing, status=Status.FAILED)
    count = sum(
        put_back(mailing, ids, by, moment)
        for ids in chunked(list(failed.values_list("pk", flat=True)), CHUNK)
    )
    mailing.refresh_from_db()
    log(mailing, by, "sent again to failed")
    return count


def skips_if_sent_again(mailing: MailingOut) -> dict[str, int]:
    """{reason: failed rows that the hand-over would skip, were they put back now}."""
    rows = Delivery.objects.filter(mailing=mailing, status=Status.FAILED)
    counts: Counter[str] = Counter()
    for reason, blocker in recipient_blockers(mailing):
        counts[str(reason)] += rows.filter(blocker).count()
        rows = rows.exclude(blocker)
    return dict(+counts)


@transaction.atomic
def put_back(mailing: MailingOut, ids: list[int], by: Any, now: dt.datetime) -> int:
    """In the commit in which they wait again their mailing goes on."""
    rows = Delivery.objects.filter(pk__in=ids).select_for_update()
    failed = list(rows.filter(status=Status.FAILED).values_list("pk", flat=True))
    DeliveryEvent.objects.bulk_create(
        DeliveryEvent(
            delivery_id=pk,
            kind=DeliveryEvent.Kind.PUT_BACK,
            occurred_at=now,
            by=by,
            source_key=f"put_back:{pk}:{now.timestamp()}",
        )
        for pk in failed
    )
    count = Delivery.objects.filter(pk__in=failed).put_back_failed(now)
    MailingOut.objects.filter(pk=mailing.pk).reopen()
    return count


def held_up_by(account: EmailAccount) -> DeliveryQuerySet:
    """Queued rows of mailings that this account, and no VIP's need, holds up."""
    identity = MassContact.objects.filter(pk=OuterRef("mass_contact_id"), is_vip=True)
    return waiting_for(account).filter(~Q(Exists(identity)), mailing__isnull=False)


def hand_over_recipients(
    account: EmailAccount, *, by: Any, now: dt.datetime | None = None
) -> int:
    """Give what waits for a stopped account to its owner's others, in turn.

    Only this time: the recipients stay bound to the account. VIPs wait, they are
    mailed from the main account alone, and so do recipients of mailings whose owner
    has no other account. Raises WrongState when there is another for nobody.
    """
    moment = Clock(now)()
    if not access_policy().may(by, "change", account):
        raise NotAllowed(_("You may not do this with this account."))
    rows = held_up_by(account)
    ids = rows.order_by().values_list("mailing_id", flat=True).distinct()
    mailings = MailingOut.objects.filter(pk__in=list(ids)).select_related("owner")
    able = [each for each in mailings if other_accounts(account, each.owner_id)]
    if mailings and not able:
        raise WrongState(_("There is no other working account for mass mail."))
    return sum(hand_over_of(mailing, account, moment) for mailing in able)


def other_accounts(
    account: EmailAccount, owner_id: Any
) -> QuerySet[EmailAccount, EmailAccount]:
    """Working accounts that can take this one's recipients in the owner's mailings."""
    return EmailAccount.objects.filter(
        mass_mail_accounts(owner_id), state=EmailAccount.State.ACTIVE
    ).exclude(pk=account.pk)


@transaction.atomic
def hand_over_of(mailing: MailingOut, account: EmailAccount, now: dt.datetime) -> int:
    """One transaction: no row is ever without an account in a launched mailing."""
    others = list(other_accounts(account, mailing.owner_id))
    if not others:
        return 0
    rows = held_up_by(account).filter(mailing=mailing)
    rows.look_again(DOMAIN_LIMIT)
    moved = last = 0
    ordered = rows.order_by("pk").values_list("pk", flat=True)
    while pks := list(ordered.filter(pk__gt=last)[:CHUNK]):
        last = pks[-1]
        shares = rotate(mailing, others, [Waiting(pk) for pk in pks], now)
        for account_id, taken in shares.items():
            # Those that nobody has claimed meanwhile.
            still = rows.among([row.pk for row in taken])
            moved += still.update(email_account_id=account_id)
    return moved
