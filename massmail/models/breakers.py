"""What stops a mailing before it burns a list or a sender's reputation."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from massmail.models.alert import Alert
from massmail.models.delivery import Delivery
from massmail.models.delivery_event import DeliveryEvent
from massmail.models.mailing_out import SENDING_STATUSES, MailingOut, Status


class StopReason(TextChoices):
    """Why a breaker holds a mailing; a person resumes it."""

    REPUTATION = "reputation", _("Receivers refuse this mailing as spam.")
    HARD_BOUNCES = "hard_bounces", _("Too many addresses of the list do not exist.")
    COMPLAINTS = "complaints", _("Too many recipients complained about spam.")
    MESSAGE_REFUSED = "message_refused", _("The server refuses this message.")
    MESSAGE_BROKEN = "message_broken", _("The message cannot be compiled any more.")
    AUTHENTICATION = (
        "authentication",
        _("Receivers demand SPF, DKIM and DMARC of the sender's domain."),
    )


# The last n results and how many of one sort among them are too many.
REPUTATION_RULES = ((20, 3), (100, 6))
HARD_BOUNCE_RULES = ((100, 6),)
LOOK_BACK = 100
# Complaints come days later: so many, and more than this part of the last mails.
FEWEST_COMPLAINTS = 3
COMPLAINTS_PER_MAIL = 0.003
COMPLAINTS_LOOK_BACK = 1000


def stop_mailing(mailing_id: int, reason: str, *, now: dt.datetime) -> bool:
    """Hold a running mailing until a person resumes it; False if it was held."""
    stopped = MailingOut.objects.filter(
        pk=mailing_id, status__in=SENDING_STATUSES, stop_reason=""
    ).update(status=Status.NEEDS_PERSON, stop_reason=reason)
    if stopped:
        mailing = MailingOut.objects.select_related("owner").get(pk=mailing_id)
        Alert.objects.raise_once(
            cause=f"mailing:{mailing_id}",
            recipient=mailing.owner,
            text=f"{mailing.name}: {dict(StopReason.choices).get(reason, reason)}",
            now=now,
        )
    return bool(stopped)


def check_breakers(
    mailing: MailingOut,
    *,
    reputation: Collection[str],
    hard_bounces: Collection[str],
    now: dt.datetime,
) -> str:
    """Stop the mailing if its last results say so; returns the reason or "".

    The one door for all that is learned of a mailing: replies of servers now, bounces
    and complaints (`DeliveryEvent`s) whenever they come in. `reputation` and
    `hard_bounces` are the delivery reasons that count as such.
    """
    reasons = last_results(mailing)
    found = ""
    if trips([reason in reputation for reason in reasons], REPUTATION_RULES):
        found = StopReason.REPUTATION
    elif trips([reason in hard_bounces for reason in reasons], HARD_BOUNCE_RULES):
        found = StopReason.HARD_BOUNCES
    elif too_many_complaints(mailing):
        found = StopReason.COMPLAINTS
    if found:
        stop_mailing(mailing.pk, found, now=now)
    return found


def last_results(mailing: MailingOut) -> list[str]:
    """Reasons of the last results ("" for sent ones) since a person resumed it."""
    rows = Delivery.objects.filter(
        mailing=mailing,
        result_at__isnull=False,
        status__in=(Delivery.Status.SENT, Delivery.Status.FAILED),
    )
    if mailing.resumed_at:
        rows = rows.filter(result_at__gt=mailing.resumed_at)
    latest = rows.order_by("-result_at").values_list("reason", flat=True)
    return list(latest[:LOOK_BACK])


def too_many_complaints(mailing: MailingOut) -> bool:
    """Among the last mails, by complaints since a person resumed the mailing.

    Few mailings have any: they are asked for first.
    """
    complaints = DeliveryEvent.objects.filter(
        delivery__mailing=mailing, kind=DeliveryEvent.Kind.COMPLAINED
    )
    if mailing.resumed_at:
        complaints = complaints.filter(occurred_at__gt=mailing.resumed_at)
    complained = set(complaints.values_list("delivery", flat=True))
    if len(complained) < FEWEST_COMPLAINTS:
        return False
    sent = Delivery.objects.filter(mailing=mailing, sent_at__isnull=False)
    latest = sent.order_by("-sent_at", "-pk").values_list("pk", flat=True)
    last = list(latest[:COMPLAINTS_LOOK_BACK])
    count = len(complained.intersection(last))
    return count >= FEWEST_COMPLAINTS and count > COMPLAINTS_PER_MAIL * len(last)


def trips(results: list[bool], rules: tuple[tuple[int, int], ...]) -> bool:
    """Whether among the last n results there are `many` of the sort; pure."""
    return any(sum(results[:last]) >= many for last, many in rules)
