"""Promise 5: why a mailing is not sending, in one sentence, and when it goes on.

The first cause wins, in the order mailing → time → accounts and quotas → worker.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from django.db.models import Min
from django.utils.translation import gettext as _

from massmail.models import Delivery, EmailAccount, MailingOut
from massmail.models.breakers import StopReason
from massmail.orchestrator.circumstances import Circumstances, Explanation
from massmail.orchestrator.wait_ends import goes_on
from massmail.orchestrator.waiting import (
    of_hours,
    of_pace,
    of_state,
    opens,
    until_all_is_over,
)
from massmail.permissions import main_account, mass_mail_accounts
from massmail.sending.business_time import business_time

Status = Delivery.Status


def explain(
    mailing: MailingOut,
    *,
    now: dt.datetime | None = None,
    circumstances: Circumstances | None = None,
) -> Explanation:
    """What the mailing waits for; that it is being sent, when it waits for nothing.

    `circumstances` are given by who explains several mailings at once.
    """
    found = circumstances or Circumstances([mailing.pk], now)
    return (
        of_mailing(mailing, found)
        or of_rows(mailing, found)
        or of_time(mailing, found)
        or of_accounts(mailing, found)
        or found.silent_worker
        or Explanation(_("It is being sent."), found.now)
    )


def of_mailing(mailing: MailingOut, circumstances: Circumstances) -> Explanation | None:
    states = MailingOut.Status
    if mailing.status == states.DONE:
        return Explanation(_("Done: every recipient has a final state."))
    if mailing.status == states.INTERRUPTED:
        if mailing.merged_into_id:
            return Explanation(_("It was merged into another mailing."))
        if mailing.prepared_at is None:
            return Explanation(
                _("It was cancelled while its recipients were still being added.")
            )
        return Explanation(_("It was cancelled."))
    if mailing.prepared_at is None:
        return of_preparation(circumstances)
    if mailing.is_draft:
        return Explanation(_("It has not been launched yet."))
    if mailing.is_launching:
        return of_launching(circumstances)
    if mailing.expires_at and mailing.expires_at <= circumstances.now:
        return of_expiry(mailing, circumstances)
    if mailing.status == states.PAUSED:
        return Explanation(_("It was paused; it goes on when it is resumed."))
    if mailing.stop_reason:
        return Explanation(stop_sentence(mailing.stop_reason))
    if not mailing.owner.is_active:
        return Explanation(_("Its owner's user account is not active."))
    return None


def of_expiry(mailing: MailingOut, circumstances: Circumstances) -> Explanation | None:
    """Paused, stopped or not: the sender leaves out who waits; what is open is told."""
    if not Delivery.objects.filter(mailing=mailing, status=Status.QUEUED).exists():
        return None
    return circumstances.silent_worker or Explanation(
        _("Its time is over: who still waits is left out."), circumstances.now
    )


def of_preparation(circumstances: Circumstances) -> Explanation:
    """The worker does it, too: without one it would take for ever."""
    reason = _("The recipients are still being prepared.")
    silent = circumstances.silent_worker
    return Explanation(f"{reason} {silent.reason}" if silent else reason)


def of_launching(circumstances: Circumstances) -> Explanation:
    reason = _("It is being launched: the recipients are checked once more.")
    silent = circumstances.silent_worker
    return Explanation(f"{reason} {silent.reason}" if silent else reason)


def stop_sentence(reason: str) -> str:
    words = dict(StopReason.choices).get(reason, reason)
    return _("It was stopped: %(why)s Resume it when that is mended.") % {"why": words}


def of_rows(mailing: MailingOut, circumstances: Circumstances) -> Explanation | None:
    """Nothing waits any more, but something is still open."""
    rows = Delivery.objects.filter(mailing=mailing)
    if circumstances.accounts_of(mailing):
        return None
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
    return circumstances.silent_worker or Explanation(
        _("Every recipient has a final state; it is ending."), circumstances.now
    )


def of_time(mailing: MailingOut, circumstances: Circumstances) -> Explanation | None:
    start = mailing.start_at
    found: Explanation | None
    firsts = circumstances.firsts_of(mailing)
    if start and start > circumstances.now:
        opening = opens(firsts, business_time(circumstances.settings), start)
        found = Explanation(_("It is scheduled for a later time."), opening)
    else:
        found = of_hours(firsts, circumstances)
    if found is None or found.next_at is None:
        return found
    return replace(found, next_at=first_to_go_on(mailing, circumstances, found.next_at))


def first_to_go_on(
    mailing: MailingOut, circumstances: Circumstances, moment: dt.datetime
) -> dt.datetime:
    """When the first account goes on; `moment` if each of them waits for a person."""
    ends = (
        goes_on(
            account, circumstances.firsts_of(mailing, account), circumstances, moment
        )
        for account in circumstances.accounts_of(mailing)
        if account.may_be_used_by(mailing.owner)
    )
    return min(filter(None, ends), default=moment)


def of_accounts(
    mailing: MailingOut, circumstances: Circumstances
) -> Explanation | None:
    """None when one of the accounts can send now, else the one that can first."""
    waiting = []
    for account in circumstances.accounts_of(mailing):
        found = of_account(mailing, account, circumstances)
        if found is None:
            return None
        waiting.append(found)
    if not waiting:
        return Explanation(without_account(mailing))
    ahead = [found for found in waiting if found.next_at]
    if not ahead:
        return waiting[0]
    return min(ahead, key=lambda found: found.next_at or circumstances.now)


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


def of_account(
    mailing: MailingOut, account: EmailAccount, circumstances: Circumstances
) -> Explanation | None:
    """Why it does not send the mailing's rows now, or None."""
    if not account.may_be_used_by(mailing.owner):
        return Explanation(
            _("The account %(account)s is not its owner's any more.")
            % {"account": account.name}
        )
    firsts = circumstances.firsts_of(mailing, account)
    # By the recipients' clocks another account's may be in their hours.
    found = of_state(account, circumstances.now) or of_hours(firsts, circumstances)
    found = found or of_pace(account, firsts, circumstances)
    return until_all_is_over(found, account, firsts, circumstances)
