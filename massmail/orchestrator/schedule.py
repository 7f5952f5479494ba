"""When a launched mailing begins and ends, changed by a person."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from massmail.exceptions import WrongState
from massmail.models import MailingOut
from massmail.models.mailing_out import FINAL_STATUSES
from massmail.orchestrator.clock import Clock
from massmail.orchestrator.decisions import change, require

RESCHEDULABLE = Q(launched_at__isnull=False) & ~Q(status__in=FINAL_STATUSES)


def reschedule(
    mailing: MailingOut,
    *,
    by: Any,
    start_at: dt.datetime | None,
    expires_at: dt.datetime | None,
    now: dt.datetime | None = None,
) -> MailingOut:
    """Other times; the sender asks for them at each hand-over.

    None begins at once, or never ends. Whoever may pause a mailing may hold it until
    a later begin, too. Raises NotAllowed, and WrongState for a draft, for what has
    ended and for an end that has passed.
    """
    moment = Clock(now)()
    require(by, "pause", mailing)
    if expires_at and expires_at <= max(moment, start_at or moment):
        raise WrongState(_("The end must be ahead, and after the begin."))
    change(
        mailing,
        by,
        "rescheduled",
        RESCHEDULABLE,
        _("Only a mailing that is launched and has not ended can be rescheduled."),
        start_at=start_at,
        expires_at=expires_at,
    )
    return mailing
