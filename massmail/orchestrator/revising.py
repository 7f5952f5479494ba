"""A message that is changed while a mailing with it is on its way.

Whoever has got the message, or may have, keeps the version that he got; whoever still
waits can be given the new text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from massmail.content.differences import Difference, differences
from massmail.exceptions import NotAllowed, WrongState
from massmail.models import Delivery, EmlMessage, MailingOut, MessageVersion
from massmail.models.mailing_out import FINAL_STATUSES
from massmail.orchestrator.compiling import (
    freeze,
    source_of_message,
    source_of_version,
)
from massmail.orchestrator.decisions import log, require
from massmail.orchestrator.preflight import check_launch
from massmail.recipients.access import access_policy

WAITING = (Delivery.Status.QUEUED, Delivery.Status.CLAIMED)


@dataclass(frozen=True)
class Outdated:
    """A launched mailing whose waiting recipients would get an older text."""

    mailing: MailingOut
    waiting: int
    differences: list[Difference]


def outdated_mailings(message: EmlMessage, *, by: Any) -> Iterator[Outdated]:
    """Of those that `by` may launch."""
    policy = access_policy()
    now = None
    for mailing in launched(message).select_related("version"):
        count = fresh_rows(mailing).count()
        if not count or not policy.may(by, "launch", mailing):
            continue
        now = now or source_of_message(message)
        version = mailing.version
        if version and (found := differences(source_of_version(version), now)):
            yield Outdated(mailing, count, found)


def launched(message: EmlMessage) -> QuerySet[MailingOut]:
    return MailingOut.objects.filter(under_way(), message=message).order_by("pk")


def under_way() -> Q:
    return Q(launched_at__isnull=False, version__isnull=False) & ~Q(
        status__in=FINAL_STATUSES
    )


def fresh_rows(mailing: MailingOut) -> QuerySet[Delivery]:
    """Recipients to whom nothing was handed over yet."""
    return Delivery.objects.filter(mailing=mailing, status__in=WAITING, attempts=0)


def revise(mailing: MailingOut, *, by: Any) -> MessageVersion:
    """Give the message as it is now to the recipients who still wait.

    They get it with their next claim (see `outgoing.stamp`); rows with attempts keep
    their version. Raises NotAllowed, WrongState, and LaunchRefused where the new
    text could not be launched; then all keep the old one.
    """
    check(mailing, by)
    return give(mailing, by)


def check(mailing: MailingOut, by: Any) -> None:
    """As at a launch, but that nobody has seen these findings: none is passed over.

    It asks the DNS, so it stands outside of every transaction.
    """
    require(by, "launch", mailing)
    check_launch(mailing, by=by, override_reason="")


@transaction.atomic
def give(mailing: MailingOut, by: Any) -> MessageVersion:
    version = freeze(mailing.message, mailing=mailing)
    changed = MailingOut.objects.filter(under_way(), pk=mailing.pk)
    if not changed.update(version=version):
        raise WrongState(_("The mailing has ended already."))
    count = fresh_rows(mailing).count()
    log(mailing, by, f"message changed for {count} waiting")
    log_version(mailing, by, count)
    mailing.refresh_from_db()
    return version


def log_version(mailing: MailingOut, by: Any, count: int) -> None:
    """In the message's own history, too."""
    text = f"given to {count} waiting of mailing {mailing.pk}"
    LogEntry.objects.log_actions(
        by.pk, [mailing.message], CHANGE, change_message=text, single_object=True
    )


def revise_all(message: EmlMessage, ids: set[int], *, by: Any) -> list[MailingOut]:
    """Those of the message's mailings that were chosen; raises as `revise` does.

    All or none: with one that is refused nobody gets the new text.
    """
    chosen = list(launched(message).filter(pk__in=ids))
    if len(chosen) < len(ids):
        raise NotAllowed(_("One of these mailings is not on its way any more."))
    for mailing in chosen:
        check(mailing, by)
    with transaction.atomic():
        for mailing in chosen:
            give(mailing, by)
    return chosen
