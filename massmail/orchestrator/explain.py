"""Promise 5: why a mailing is not sending, in one sentence, and when it goes on.

The first cause wins, in the order mailing → time → accounts and quotas → worker.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Exists, Min, OuterRef
from django.utils.translation import gettext as _

from massmail.models import (
    AccountLane,
    Delivery,
    EmailAccount,
    Heartbeat,
    MailingOut,
    MassmailSettings,
)
from massmail.models.breakers import StopReason
from massmail.orchestrator.clock import Clock
from massmail.sending.business_time import business_time
from massmail.sending.outcomes import HELP
from massmail.sending.quotas import room

Status = Delivery.Status


@dataclass(frozen=True, slots=True)
class Explanation:
    """`reason` is a sentence for the manager; `next_at` None: a person must act, or
    nothing is left to do."""

    reason: str
    next_at: dt.datetime | None = None


def explain(mailing: MailingOut, *, now: dt.datetime | None = None) -> Explanation:
    """What the mailing waits for; that it is being sent, when it waits for nothing."""
    moment = Clock(now)()
    settings = MassmailSettings.load()
    return (
        of_mailing(mailing)
        or of_rows(mailing, moment)
        or of_time(mailing, settings, moment)
        or of_accounts(mailing, settings, moment)
        or of_worker(moment)
        or Explanation(_("It is being sent."), moment)
    )


def of_mailing(mailing: MailingOut) -> Explanation | None:
    states = MailingOut.Status
    if mailing.status == states.DONE:
        return Explanation(_("Done: every recipient has a final state."))
    if mailing.status == states.INTERRUPTED:
        if mailing.merged_into_id:
            return Explanation(_("It was merged into another mailing."))
        return Explanation(_("It was cancelled."))
    if mailing.prepared_at is None:
        return Explanation(_("The recipients are still being prepared."))
    if mailing.is_draft:
        return Explanation(_("It has not been launched yet."))
    if mailing.status == states.PAUSED:
        return Explanation(_("It was paused; it goes on when it is resumed."))
    if mailing.stop_reason:
        return Explanation(stop_sentence(mailing.stop_reason))
    if not mailing.owner.is_active:
        return Explanation(_("Its owner's user account is not active."))
    return None


def stop_sentence(reason: str) -> str:
    words = dict(StopReason.choices).get(reason, reason)
    return _("It was stopped: %(why)s Resume it when that is mended.") % {"why": words}


def of_rows(mailing: MailingOut, now: dt.datetime) -> Explanation | None:
    """Nothing waits any more, but something is still open."""
    rows = Delivery.objects.filter(mailing=mailing)
    if rows.filter(status=Status.QUEUED).exists():
        return None
    in_flight = rows.filter(status__in=(Status.CLAIMED, Status.SENDING))
    if in_flight.exists():
        return Explanation(
            _("The last messages are on their way."),
            in_flight.aggregate(until=Min("lease_until"))["until"],
        )
    if rows.filter(status=Status.UNCERTAIN).exists():
        return Explanation(
            _("For some messages it is uncertain whether they were delivered: decide.")
        )
    ending = Explanation(_("Every recipient has a final state; it is ending."), now)
    return of_worker(now) or ending


def of_time(
    mailing: MailingOut, settings: MassmailSettings, now: dt.datetime
) -> Explanation | None:
    start = mailing.start_at
    hours = business_time(settings)
    if start and start > now:
        opening = hours.next_opening(start) if hours else start
        return Explanation(_("It is scheduled for a later time."), opening)
    if hours and not hours.is_open(now):
        return Explanation(
            _("It is outside business hours now."), hours.next_opening(now)
        )
    return None


def of_accounts(
    mailing: MailingOut, settings: MassmailSettings, now: dt.datetime
) -> Explanation | None:
    """None when one of the accounts can send now, else the one that can first."""
    waiting = list(account_causes(mailing, settings, now))
    if None in waiting:
        return None
    if not waiting:
        return Explanation(_("The waiting recipients have no account to send from."))
    ahead = [found for found in waiting if found.next_at]
    if not ahead:
        return waiting[0]
    first = min(ahead, key=lambda found: found.next_at)
    hours = business_time(settings)
    opening = hours.next_opening(first.next_at) if hours else first.next_at
    return Explanation(first.reason, opening)


def account_causes(
    mailing: MailingOut, settings: MassmailSettings, now: dt.datetime
) -> Iterator[Explanation | None]:
    """For each account with waiting rows: why it does not send them now, or None."""
    rows = Delivery.objects.filter(
        mailing=mailing, status=Status.QUEUED, email_account=OuterRef("pk")
    )
    for account in EmailAccount.objects.filter(Exists(rows)).order_by("pk"):
        yield of_account(mailing, account, settings, now)


def of_account(
    mailing: MailingOut,
    account: EmailAccount,
    settings: MassmailSettings,
    now: dt.datetime,
) -> Explanation | None:
    name = {"account": account.name}
    if not account.may_be_used_by(mailing.owner):
        return Explanation(
            _("The account %(account)s is not its owner's any more.") % name
        )
    if account.state == EmailAccount.State.STOPPED:
        why = HELP.get(account.state_reason, account.state_reason)
        return Explanation(
            _("The account %(account)s is stopped: %(why)s") % (name | {"why": why})
        )
    if account.state == EmailAccount.State.PAUSED and (
        account.paused_until is None or account.paused_until > now
    ):
        why = HELP.get(account.state_reason, account.state_reason)
        return Explanation(
            _("The account %(account)s rests: %(why)s") % (name | {"why": why}),
            account.paused_until,
        )
    return of_pace(mailing, account, settings, now)


def of_pace(
    mailing: MailingOut,
    account: EmailAccount,
    settings: MassmailSettings,
    now: dt.datetime,
) -> Explanation | None:
    """Quota, gap, retry times: what passes by itself."""
    name = {"account": account.name}
    free = room(account, settings, now=now, wanted=1)
    if not free.count:
        return Explanation(
            _("The account %(account)s has used up its sending limit.") % name,
            free.next_at,
        )
    if account.next_send_at and account.next_send_at > now:
        return Explanation(
            _("The account %(account)s pauses between two messages.") % name,
            account.next_send_at,
        )
    rows = Delivery.objects.filter(
        mailing=mailing, status=Status.QUEUED, email_account=account
    )
    if not rows.due(now).exists():
        return Explanation(
            _("The remaining recipients are tried again later."),
            rows.aggregate(first=Min("not_before"))["first"],
        )
    return None


def of_worker(now: dt.datetime) -> Explanation | None:
    """A held lane proves a worker even where its heartbeat is late."""
    if AccountLane.objects.filter(lease_until__gt=now).exists():
        return None
    if not Heartbeat.objects.is_alive(Heartbeat.BEAT, now):
        return Explanation(
            _("The scheduler (beat) is not running; tell the administrator."), now
        )
    if not Heartbeat.objects.is_alive(Heartbeat.WORKER, now):
        return Explanation(
            _("No sending worker is running; tell the administrator."), now
        )
    return None
