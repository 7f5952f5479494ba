"""Promise 5: why a mailing is not sending, in one sentence, and when it goes on.

The first cause wins, in the order mailing → time → accounts and quotas → worker.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace

from django.db.models import Min, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from massmail.models import Delivery, EmailAccount, MailingOut, MassmailSettings
from massmail.models.breakers import StopReason
from massmail.models.delivery_transitions import DeliveryQuerySet
from massmail.orchestrator.wait_ends import goes_on
from massmail.orchestrator.waiting import (
    Explanation,
    of_hours,
    of_pace,
    of_state,
    of_worker,
    opens,
    until_all_is_over,
)
from massmail.permissions import main_account, mass_mail_accounts
from massmail.reports.pace import first_waiting
from massmail.sending.business_time import business_time

Status = Delivery.Status


def explain(mailing: MailingOut, *, now: dt.datetime | None = None) -> Explanation:
    """What the mailing waits for; that it is being sent, when it waits for nothing."""
    moment = now or timezone.now()
    settings = MassmailSettings.load()
    return (
        of_mailing(mailing, moment)
        or of_rows(mailing, moment)
        or of_time(mailing, settings, moment)
        or of_accounts(mailing, settings, moment)
        or of_worker(moment)
        or Explanation(_("It is being sent."), moment)
    )


def of_mailing(mailing: MailingOut, now: dt.datetime) -> Explanation | None:
    states = MailingOut.Status
    if mailing.status == states.DONE:
        return Explanation(_("Done: every recipient has a final state."))
    if mailing.status == states.INTERRUPTED:
        if mailing.merged_into_id:
            return Explanation(_("It was merged into another mailing."))
        return Explanation(_("It was cancelled."))
    if mailing.prepared_at is None:
        return of_preparation(now)
    if mailing.is_draft:
        return Explanation(_("It has not been launched yet."))
    if mailing.is_launching:
        return of_launching(now)
    if mailing.expires_at and mailing.expires_at <= now:
        return of_expiry(mailing, now)
    if mailing.status == states.PAUSED:
        return Explanation(_("It was paused; it goes on when it is resumed."))
    if mailing.stop_reason:
        return Explanation(stop_sentence(mailing.stop_reason))
    if not mailing.owner.is_active:
        return Explanation(_("Its owner's user account is not active."))
    return None


def of_expiry(mailing: MailingOut, now: dt.datetime) -> Explanation | None:
    """Paused, stopped or not: the sender leaves out who waits; what is open is told."""
    if not Delivery.objects.filter(mailing=mailing, status=Status.QUEUED).exists():
        return None
    return of_worker(now) or Explanation(
        _("Its time is over: who still waits is left out."), now
    )


def of_preparation(now: dt.datetime) -> Explanation:
    """The worker does it, too: without one it would take for ever."""
    reason = _("The recipients are still being prepared.")
    silent = of_worker(now)
    return Explanation(f"{reason} {silent.reason}" if silent else reason)


def of_launching(now: dt.datetime) -> Explanation:
    reason = _("It is being launched: the recipients are checked once more.")
    silent = of_worker(now)
    return Explanation(f"{reason} {silent.reason}" if silent else reason)


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
    found: Explanation | None
    rows = Delivery.objects.filter(mailing=mailing, status=Status.QUEUED)
    if start and start > now:
        opening = opens(rows, business_time(settings), start)
        found = Explanation(_("It is scheduled for a later time."), opening)
    else:
        found = of_hours(rows, settings, now)
    if found is None or found.next_at is None:
        return found
    return replace(found, next_at=first_to_go_on(mailing, settings, found.next_at))


def first_to_go_on(
    mailing: MailingOut, settings: MassmailSettings, moment: dt.datetime
) -> dt.datetime:
    """When the first account goes on; `moment` if each of them waits for a person."""
    usable = filter(
        lambda account: account.may_be_used_by(mailing.owner),
        accounts_with_rows(mailing),
    )
    ends = (
        goes_on(account, waiting_rows(mailing, account), settings, moment)
        for account in usable
    )
    return min(filter(None, ends), default=moment)


def of_accounts(
    mailing: MailingOut, settings: MassmailSettings, now: dt.datetime
) -> Explanation | None:
    """None when one of the accounts can send now, else the one that can first."""
    causes = list(account_causes(mailing, settings, now))
    waiting = [found for found in causes if found]
    if len(waiting) < len(causes):
        return None
    if not waiting:
        return Explanation(without_account(mailing))
    ahead = [found for found in waiting if found.next_at]
    if not ahead:
        return waiting[0]
    return min(ahead, key=lambda found: found.next_at or now)


def without_account(mailing: MailingOut) -> str:
    """No account has any of the rows: none is there, or none for these recipients."""
    if EmailAccount.objects.filter(mass_mail_accounts(mailing.owner_id)).exists():
        return _("The waiting recipients have no account to send from.")
    if EmailAccount.objects.filter(main_account(mailing.owner_id)).exists():
        return _(
            "The waiting recipients have no account to send from: the main account "
            "mails VIPs only. Allow an account for mass mail."
        )
    return _(
        "The waiting recipients have no account to send from. Set up an account for "
        "mass mail."
    )


def account_causes(
    mailing: MailingOut, settings: MassmailSettings, now: dt.datetime
) -> Iterator[Explanation | None]:
    """For each account with waiting rows: why it does not send them now, or None."""
    for account in accounts_with_rows(mailing):
        yield of_account(mailing, account, settings, now)


def accounts_with_rows(mailing: MailingOut) -> QuerySet[EmailAccount]:
    """One look into the queue's index for each account, whatever waits there."""
    accounts = EmailAccount.objects.annotate(first_row=first_waiting(mailing.pk))
    return accounts.filter(first_row__isnull=False).order_by("pk")


def of_account(
    mailing: MailingOut,
    account: EmailAccount,
    settings: MassmailSettings,
    now: dt.datetime,
) -> Explanation | None:
    if not account.may_be_used_by(mailing.owner):
        return Explanation(
            _("The account %(account)s is not its owner's any more.")
            % {"account": account.name}
        )
    rows = waiting_rows(mailing, account)
    found = of_state(account, now) or of_pace(account, rows, settings, now)
    return until_all_is_over(found, account, rows, settings)


def waiting_rows(mailing: MailingOut, account: EmailAccount) -> DeliveryQuerySet:
    return Delivery.objects.filter(
        mailing=mailing, status=Status.QUEUED, email_account=account
    )
