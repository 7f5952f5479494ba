"""Launch, pause, resume, cancel: permission, state, one conditional change, log.

The admin's buttons, the commands and scripts all come through here. Two clicks at
once cannot both win: each change is one UPDATE that names the state it starts from.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from massmail.exceptions import LaunchRefused
from massmail.models import Alert, Delivery, MailingOut
from massmail.models.mailing_out import FINAL_STATUSES, SENDING_STATUSES
from massmail.orchestrator.clock import Clock
from massmail.orchestrator.decisions import change, require
from massmail.orchestrator.finishing import finish_mailings
from massmail.orchestrator.launching import begin_launch, launch_until

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

    A launch that is killed in the middle is brought to its end by a worker.
    """
    order_launch(mailing, by=by, now=now, override_reason=override_reason)
    launch_until(mailing)
    if mailing.is_draft:
        raise LaunchRefused([_("No recipient is left who may be mailed.")])
    return mailing


def order_launch(
    mailing: MailingOut,
    *,
    by: Any,
    now: dt.datetime | None = None,
    override_reason: str = "",
) -> None:
    """The decision alone, in a moment; a worker carries it out. Raises as `launch`."""
    begin_launch(mailing, by=by, now=Clock(now)(), override_reason=override_reason)


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
        launching=None,
    )
    rows = Delivery.objects.filter(mailing=mailing)
    rows.skip(Delivery.SkipReason.CANCELLED)
    Alert.objects.close(cause=f"mailing:{mailing.pk}", now=moment)
    return mailing
