"""A mailing as the beginning of another one, and who has its message already."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from massmail.audience.past import keys
from massmail.audience.selection import store_selection
from massmail.exceptions import NotAllowed, WrongState
from massmail.models import Delivery, MailingOut
from massmail.models.delivery_transitions import DeliveryQuerySet
from massmail.orchestrator.clock import Clock
from massmail.orchestrator.decisions import log, require
from massmail.orchestrator.finishing import finish_mailings
from massmail.recipients.registry import source_for

Status = Delivery.Status
# Who has a mail, may have it, or is getting it at this moment.
RECEIVED = (Status.SENT, Status.UNCERTAIN, Status.SENDING)


@transaction.atomic
def duplicate(
    mailing: MailingOut, *, by: Any, name: str, without_received: bool = False
) -> MailingOut:
    """A draft of the same owner with the same message, to the same records.

    Their addresses and rights are those of today. Raises NotAllowed, LookupError
    where their app is gone, and WrongState when nobody is left.
    """
    require(by, "launch", mailing)
    source = source_for(mailing.content_type)
    rows = Delivery.objects.filter(mailing=mailing).exclude(
        reason=Delivery.SkipReason.RECIPIENT_DELETED
    )
    if without_received:
        rows = rows.exclude(received(mailing.message_id))
    recipients = source.model._base_manager.filter(pk__in=keys(source, rows))
    if not recipients.exists():
        raise WrongState(_("Nobody is left. Nothing was created."))
    copy = store_selection(
        owner=mailing.owner,
        message=mailing.message,
        recipients=recipients,
        name=name,
        target_lists=mailing.target_lists.all(),
        excluded_lists=mailing.excluded_lists.all(),
    )
    MailingOut.objects.filter(pk=copy.pk).update(
        department=mailing.department,
        is_tracked=mailing.is_tracked,
        utm_campaign=mailing.utm_campaign,
    )
    log(mailing, by, f"duplicated as {copy.pk}")
    copy.refresh_from_db()
    return copy


def received(message_id: int) -> Q:
    """Rows whose address or record has a mail with this message already."""
    mailed = Delivery.objects.filter(
        Q(mailing__message=message_id) | Q(version__message=message_id),
        kind=Delivery.Kind.MAILING,
        status__in=RECEIVED,
    )
    by_address = mailed.filter(address_key=OuterRef("address_key"))
    by_record = mailed.filter(
        content_type_id=OuterRef("content_type_id"), object_id=OuterRef("object_id")
    )
    return (~Q(address_key="") & Exists(by_address)) | Exists(by_record)


def waiting_with_message(mailing: MailingOut) -> DeliveryQuerySet:
    """Who waits in this mailing and has its message of another one."""
    waiting = Delivery.objects.filter(mailing=mailing, status=Status.QUEUED)
    return waiting.filter(received(mailing.message_id))


@transaction.atomic
def exclude_received(
    mailing: MailingOut, *, by: Any, now: dt.datetime | None = None
) -> int:
    """queued → skipped for who has the message; returns how many.

    Raises NotAllowed, and WrongState for a mailing that is over or not all there.
    """
    moment = Clock(now)()
    require(by, "cancel", mailing)
    mailing.refresh_from_db()
    if mailing.is_final:
        raise WrongState(_("The mailing has ended already."))
    if mailing.prepared_at is None:
        raise WrongState(_("The recipients are still being prepared."))
    count = waiting_with_message(mailing).skip(Delivery.SkipReason.ALREADY_RECEIVED)
    log(mailing, by, f"excluded {count} who have the message already")
    if not mailing.is_draft:
        finish_mailings(MailingOut.objects.filter(pk=mailing.pk), moment)
    return count


def may_duplicate(user: Any, mailing: MailingOut) -> bool:
    """Whether the button makes sense; `duplicate` itself asks again."""
    try:
        source_for(mailing.content_type)
        require(user, "launch", mailing)
    except (LookupError, NotAllowed):
        return False
    return bool(user.has_perm("massmail.add_mailingout"))
