"""A launch: the decision at once, then all rows bit by bit, then the mailing sends.

The decision is kept with the mailing, so that the page that takes it answers in a
moment and a job of any worker carries it out, in short transactions that can be killed
and repeated anywhere. Nothing is sent before the last row is checked: until then the
mailing's status stays what it was, and a cancellation finds all rows waiting.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from functools import partial
from typing import Any, NamedTuple

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils.translation import gettext as _

from common.postgresql import without_compiling
from massmail.audience.assignment import (
    CHUNK,
    Waiting,
    assign_accounts,
    facts_of_identity,
    known,
    share_out,
    waiting_rows,
)
from massmail.exceptions import WrongState
from massmail.models import Delivery, MailingOut
from massmail.orchestrator.compiling import freeze
from massmail.orchestrator.decisions import log, require
from massmail.orchestrator.launch_checks import (
    require_accounts,
    require_draft,
    require_recipients,
    require_time_left,
    values_missing,
)
from massmail.orchestrator.preflight import check_launch, required_variables
from massmail.patience import once_more
from massmail.permissions import ExistsForEach, first_reason
from massmail.signals import mailing_launched

logger = logging.getLogger(__name__)

Status = Delivery.Status


class Judged(NamedTuple):
    """A waiting row, and why it is not mailed."""

    row: Waiting
    why: str


def begin_launch(
    mailing: MailingOut, *, by: Any, now: dt.datetime, override_reason: str = ""
) -> None:
    """All checks of the draft and its message, and the decision; no row is touched."""
    mailing.refresh_from_db()
    require(by, "launch", mailing)
    require_draft(mailing)
    require_time_left(mailing, now)
    check_launch(mailing, by=by, override_reason=override_reason)
    require_accounts(mailing)
    require_recipients(mailing)
    decision = {
        # As text: JSON knows few of the types that a key may have.
        "by": str(by.pk),
        "at": now.isoformat(),
        "paths": required_variables(mailing),
        "of": mailing.recipients_count,
        "after": 0,
        "done": 0,
    }
    with transaction.atomic():
        decided = MailingOut.objects.drafts().filter(pk=mailing.pk)
        if not decided.update(launching=decision, override_reason=override_reason):
            raise WrongState(_("The mailing has been launched already."))
        version = freeze(mailing.message, mailing=mailing)
        MailingOut.objects.filter(pk=mailing.pk).update(version=version)
        log(mailing, by, "launched")
    mailing.refresh_from_db()


def launch_until(mailing: MailingOut, deadline: float | None = None) -> bool:
    """Carry out the decision; returns whether there is nothing left to do.

    Without a deadline to the end, whoever does it; with one, another job that is at
    work already is left to it.
    """
    while deadline is None or time.monotonic() < deadline:
        mailing.refresh_from_db()
        if not mailing.is_launching:
            return True
        if not (rows := judged_rows(mailing)):
            activate(mailing)
        elif not once_more(partial(settle, mailing, rows)) and deadline is not None:
            return True
    return False


def judged_rows(mailing: MailingOut) -> list[Judged]:
    """The next waiting rows, each with the reason for which it must be skipped.

    Promise 3 at launch: consent and assignment may have changed since. Read outside
    any transaction: what changes now is found before the hand-over.
    """
    decision = mailing.launching
    missing = values_missing(mailing, decision["paths"], ExistsForEach)
    rows = Delivery.objects.filter(
        mailing=mailing, status=Status.QUEUED, pk__gt=decision["after"]
    )
    why = first_reason(mailing, missing, ExistsForEach)
    found = rows.order_by("pk").annotate(why=why, facts=facts_of_identity())
    columns = ("pk", "email_account_id", "facts", "why")
    with without_compiling():
        return [
            Judged(Waiting(pk, account, known(facts)), reason)
            for pk, account, facts, reason in found.values_list(*columns)[:CHUNK]
        ]


@transaction.atomic
def settle(mailing: MailingOut, rows: list[Judged]) -> bool:
    """Skip or give accounts, unless another job or a cancellation came first."""
    decision = mailing.launching
    mailings = MailingOut.objects.launching().filter(pk=mailing.pk)
    locked = mailings.select_for_update(no_key=True).first()
    if locked is None or locked.launching["after"] != decision["after"]:
        return False
    skip(rows)
    clear = [judged.row for judged in rows if not judged.why]
    share_out(locked, clear, now=moment_of(decision))
    progress = {"after": rows[-1].row.pk, "done": decision["done"] + len(rows)}
    mailings.update(launching=decision | progress)
    return True


def skip(rows: list[Judged]) -> None:
    for reason in {judged.why for judged in rows} - {""}:
        pks = [judged.row.pk for judged in rows if judged.why == reason]
        Delivery.objects.among(pks).skip(reason, email_account=None)


def moment_of(decision: dict[str, Any]) -> dt.datetime:
    return dt.datetime.fromisoformat(decision["at"])


def activate(mailing: MailingOut) -> None:
    """The commit from which on the mailing sends."""
    decision = mailing.launching
    now = moment_of(decision)
    # None as a rule; what lost its account or came to the queue behind the cursor.
    assign_accounts(mailing, now=now)
    with transaction.atomic():
        mailings = MailingOut.objects.launching().filter(pk=mailing.pk)
        list(mailings.select_for_update(no_key=True))
        if waiting_rows(mailing).exists():
            return
        rows = Delivery.objects.filter(mailing=mailing, status=Status.QUEUED)
        if not rows.exists():
            mailings.update(launching=None, version=None)
            return
        launched = mailings.update(
            status=MailingOut.Status.ACTIVE, launched_at=now, launching=None
        )
        if launched:
            tell(mailing, decision["by"])


def tell(mailing: MailingOut, user_id: Any) -> None:
    """The host hears of it when all is committed."""
    mailing.refresh_from_db()
    by = get_user_model()._default_manager.filter(pk=user_id).first()
    transaction.on_commit(
        lambda: mailing_launched.send(MailingOut, mailing=mailing, by=by)
    )


def launch_mailings(*, seconds: float) -> bool:
    """Carry out decisions for about so long; returns whether there is more to do.

    Any number of these may run at once; a killed one loses nothing.
    """
    deadline = time.monotonic() + seconds
    for mailing in MailingOut.objects.launching().order_by("pk"):
        try:
            if not launch_until(mailing, deadline):
                return True
        except LookupError:
            logger.exception("Mailing %s cannot be launched", mailing.pk)
    return False
