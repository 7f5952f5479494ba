"""What a mailing needs to be launched; each check raises what stands in the way."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db.models import Exists, Q
from django.utils.translation import gettext as _

from common.postgresql import without_compiling
from massmail.audience.assignment import have_account
from massmail.exceptions import LaunchRefused, WrongState
from massmail.models import Delivery, EmailAccount, MailingOut
from massmail.orchestrator.preflight import required_variables
from massmail.permissions import (
    ExistsForEach,
    first_reason,
    main_account,
    mass_mail_accounts,
    without_value,
)


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
    """Before any row is touched: what a refused draft lacks can be mended.

    Row by row, since mostly the first one will do.
    """
    paths = required_variables(mailing)
    why = first_reason(
        mailing, values_missing(mailing, paths, ExistsForEach), ExistsForEach
    )
    rows = Delivery.objects.filter(mailing=mailing, status=Delivery.Status.QUEUED)
    clear = rows.annotate(why=why).filter(why="")
    with without_compiling():
        anybody = clear.filter(have_account(mailing, ExistsForEach)).exists()
    if not anybody:
        raise LaunchRefused([_("No recipient is left who may be mailed.")])


def values_missing(
    mailing: MailingOut, paths: Iterable[str], exists: type[Exists] = Exists
) -> list[tuple[str, Q]]:
    """(reason to skip, condition) for values that the message cannot do without."""
    return [
        (Delivery.SkipReason.MISSING_VALUE, without_value(mailing, path, exists))
        for path in paths
    ]
