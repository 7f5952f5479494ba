"""Launch, pause, resume, cancel: permission, state, one conditional change, log.

The admin's buttons, the commands and scripts all come through here. Two clicks at
once cannot both win: each change is one UPDATE that names the state it starts from.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from massmail.audience.assignment import assign_accounts, have_account
from massmail.exceptions import LaunchRefused, NotAllowed, WrongState
from massmail.models import Alert, Delivery, EmailAccount, MailingOut
from massmail.models.mailing_out import FINAL_STATUSES, SENDING_STATUSES
from massmail.orchestrator.clock import Clock
from massmail.orchestrator.compiling import freeze
from massmail.orchestrator.finishing import finish_mailings
from massmail.orchestrator.preflight import check_launch, required_variables
from massmail.permissions import (
    main_account,
    mass_mail_accounts,
    recipient_blockers,
    without_value,
)
from massmail.recipients.access import access_policy
from massmail.signals import mailing_launched

Status = MailingOut.Status


def launch(
    mailing: MailingOut,
    *,
    by: Any,
    now: dt.datetime | None = None,
    override_reason: str = "",
) -> MailingOut:
    """Draft → active (scheduled when `start_at` is ahead).

    Recipients are checked again, those with a missing value skipped, accounts
    assigned, the message frozen. Raises NotAllowed, WrongState and LaunchRefused
    (with what must be mended); then nothing is launched. `override_reason`, of who
    may, lets blocking findings pass, but never a missing unsubscribe link.
    """
    moment = Clock(now)()
    mailing.refresh_from_db()
    require(by, "launch", mailing)
    require_draft(mailing)
    require_time_left(mailing, moment)
    check_launch(mailing, by=by, override_reason=override_reason)
    require_accounts(mailing)
    require_recipients(mailing)
    recheck_recipients(mailing)
    assign_accounts(mailing, now=moment)
    activate(mailing, by=by, now=moment, override_reason=override_reason)
    return mailing


def require(by: Any, action: str, mailing: MailingOut) -> None:
    if not access_policy().may(by, action, mailing):
        raise NotAllowed(_("You may not do this with this mailing."))


def require_draft(mailing: MailingOut) -> None:
    if not mailing.is_draft:
        raise WrongState(_("The mailing has been launched already."))
    if mailing.prepared_at is None:
        raise WrongState(_("The recipients are still being prepared."))


def require_time_left(mailing: MailingOut, now: dt.datetime) -> None:
    if mailing.expires_at and mailing.expires_at <= now:
        raise LaunchRefused([_("The mailing's time is over.")])


def require_accounts(mailing: MailingOut) -> None:
    """Before any row is touched: without an account all would be skipped."""
    usable = mass_mail_accounts(mailing.owner_id) | main_account(mailing.owner_id)
    if not EmailAccount.objects.filter(usable).exists():
        raise LaunchRefused([_("The owner has no account for mass mail.")])


def require_recipients(mailing: MailingOut) -> None:
    """Before any row is touched: what a refused draft lacks can be mended."""
    rows = Delivery.objects.filter(mailing=mailing, status=Delivery.Status.QUEUED)
    for _reason, blocker in launch_blockers(mailing):
        rows = rows.exclude(blocker)
    if not rows.filter(have_account(mailing)).exists():
        raise LaunchRefused([_("No recipient is left who may be mailed.")])


def recheck_recipients(mailing: MailingOut) -> None:
    """Promise 3 at launch: consent and assignment may have changed since."""
    rows = Delivery.objects.filter(mailing=mailing)
    for reason, blocker in launch_blockers(mailing):
        rows.filter(blocker).skip(reason)


def launch_blockers(mailing: MailingOut) -> Iterator[tuple[str, Q]]:
    """(reason to skip, condition): consent, assignment, values that are missing."""
    yield from recipient_blockers(mailing)
    for path in required_variables(mailing):
        yield Delivery.SkipReason.MISSING_VALUE, without_value(mailing, path)


@transaction.atomic
def activate(
    mailing: MailingOut, *, by: Any, now: dt.datetime, override_reason: str
) -> None:
    """The commit from which on the mailing sends."""
    rows = Delivery.objects.filter(mailing=mailing)
    if not rows.filter(status=Delivery.Status.QUEUED).exists():
        raise LaunchRefused([_("No recipient is left who may be mailed.")])
    launched = MailingOut.objects.filter(
        pk=mailing.pk, status=Status.PAUSED, launched_at=None
    ).update(status=Status.ACTIVE, launched_at=now, override_reason=override_reason)
    if not launched:
        raise WrongState(_("The mailing has been launched already."))
    version = freeze(mailing.message, mailing=mailing)
    MailingOut.objects.filter(pk=mailing.pk).update(version=version)
    mailing.refresh_from_db()
    log(mailing, by, "launched")
    transaction.on_commit(
        lambda: mailing_launched.send(MailingOut, mailing=mailing, by=by)
    )


def pause(
    mailing: MailingOut, *, by: Any, now: dt.datetime | None = None
) -> MailingOut:
    """Active → paused: at most the message in flight per connection still leaves."""
    require(by, "pause", mailing)
    change(
        mailing,
        by,
        "paused",
        Q(status__in=SENDING_STATUSES),
        _("Only a mailing that is being sent can be paused."),
        status=Status.PAUSED,
    )
    return mailing


def resume(
    mailing: MailingOut, *, by: Any, now: dt.datetime | None = None
) -> MailingOut:
    """Paused, or held by a breaker → active."""
    moment = Clock(now)()
    require(by, "resume", mailing)
    held = Q(status__in=SENDING_STATUSES) & ~Q(stop_reason="")
    change(
        mailing,
        by,
        "resumed",
        (Q(status=Status.PAUSED, launched_at__isnull=False)) | held,
        _("Only a paused or stopped mailing can be resumed."),
        status=Status.ACTIVE,
        stop_reason="",
        resumed_at=moment,
    )
    Alert.objects.close(cause=f"mailing:{mailing.pk}", now=moment)
    finish_mailings(MailingOut.objects.filter(pk=mailing.pk), moment)
    mailing.refresh_from_db()
    return mailing


@transaction.atomic
def cancel(
    mailing: MailingOut, *, by: Any, now: dt.datetime | None = None
) -> MailingOut:
    """Cancelled for good: what waits is skipped, what is in flight comes to its end."""
    moment = Clock(now)()
    require(by, "cancel", mailing)
    change(
        mailing,
        by,
        "cancelled",
        ~Q(status__in=FINAL_STATUSES),
        _("The mailing has ended already."),
        status=Status.INTERRUPTED,
        finished_at=moment,
    )
    rows = Delivery.objects.filter(mailing=mailing)
    rows.skip(Delivery.SkipReason.CANCELLED)
    Alert.objects.close(cause=f"mailing:{mailing.pk}", now=moment)
    return mailing


def change(
    mailing: MailingOut,
    by: Any,
    word: str,
    allowed: Q,
    refusal: str,
    **values: Any,
) -> None:
    """One conditional UPDATE and its log entry; raises WrongState."""
    with transaction.atomic():
        if not MailingOut.objects.filter(allowed, pk=mailing.pk).update(**values):
            raise WrongState(refusal)
        log(mailing, by, word)
    mailing.refresh_from_db()


def log(mailing: MailingOut, by: Any, word: str) -> None:
    """The mailing's history is the admin's own."""
    LogEntry.objects.log_actions(
        by.pk, [mailing], CHANGE, change_message=word, single_object=True
    )
