"""What stops a mailing before it burns a list or a sender's reputation."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

from django.db.models import QuerySet, TextChoices
from django.utils.translation import gettext_lazy as _

from massmail.models.alert import Alert
from massmail.models.bounce import Bounce
from massmail.models.delivery import Delivery
from massmail.models.delivery_event import DeliveryEvent
from massmail.models.key_range import key_range
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


Rules = tuple[tuple[int, int], ...]
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
    near: Delivery | None = None,
) -> str:
    """Stop the mailing if its last results say so; returns the reason or "".

    The one door for all that is learned of a mailing: replies of servers now, bounces
    and complaints (`DeliveryEvent`s) whenever they come in. `reputation` and
    `hard_bounces` are the delivery reasons that count as such. A bounce comes when
    hundreds of others have left: with `near`, the results around that mail count.
    """
    reasons = results_near(mailing, near) if near else last_results(mailing)
    are_too_many = trips_anywhere if near else trips
    found = ""
    if are_too_many([bool(one & {*reputation}) for one in reasons], REPUTATION_RULES):
        found = StopReason.REPUTATION
    elif are_too_many(
        [bool(one & {*hard_bounces}) for one in reasons], HARD_BOUNCE_RULES
    ):
        found = StopReason.HARD_BOUNCES
    elif too_many_complaints(mailing):
        found = StopReason.COMPLAINTS
    if found:
        stop_mailing(mailing.pk, found, now=now)
    return found


def last_results(mailing: MailingOut) -> list[set[str]]:
    """Why mails did not arrive, of the last results; empty for those that did."""
    latest = settled(mailing).order_by("-result_at").values_list("pk", "reason")
    return with_bounces(list(latest[:LOOK_BACK]))


def results_near(mailing: MailingOut, delivery: Delivery) -> list[set[str]]:
    """The same of the mails that got their results before and behind this one."""
    moment = delivery.result_at
    if moment is None:
        return []
    rows = settled(mailing)
    later = rows.filter(result_at__gt=moment).order_by("result_at")
    before = rows.filter(result_at__lte=moment).order_by("-result_at")
    columns = ("pk", "reason")
    behind = list(later.values_list(*columns)[: LOOK_BACK - 1])
    return with_bounces([*behind[::-1], *before.values_list(*columns)[:LOOK_BACK]])


def settled(mailing: MailingOut) -> QuerySet[Delivery]:
    """Since a person resumed it."""
    rows = Delivery.objects.filter(
        mailing=mailing,
        result_at__isnull=False,
        status__in=(Delivery.Status.SENT, Delivery.Status.FAILED),
    )
    return rows.filter(result_at__gt=mailing.resumed_at) if mailing.resumed_at else rows


def with_bounces(results: Sequence[tuple[int, str]]) -> list[set[str]]:
    """What the server answered, and what came back later."""
    bounces = DeliveryEvent.objects.filter(
        delivery__in=[pk for pk, _reason in results], kind=DeliveryEvent.Kind.BOUNCED
    ).order_by()
    found: dict[int, set[str]] = {pk: {reason} for pk, reason in results}
    for pk, detail in bounces.values_list("delivery", "detail"):
        found[pk].add(Bounce.of(detail).counted_reason)
    return [reasons - {""} for reasons in found.values()]


def too_many_complaints(mailing: MailingOut) -> bool:
    """Among the last mails, by complaints since a person resumed the mailing.

    Few mailings have any: they are asked for first, by the keys between which the
    mailing's rows are.
    """
    first, last = key_range(mailing.pk)
    complaints = DeliveryEvent.objects.filter(
        kind=DeliveryEvent.Kind.COMPLAINED, delivery__gte=first, delivery__lte=last
    )
    if mailing.resumed_at:
        complaints = complaints.filter(occurred_at__gt=mailing.resumed_at)
    complained = set(complaints.values_list("delivery", flat=True))
    if len(complained) < FEWEST_COMPLAINTS:
        return False
    sent = Delivery.objects.filter(mailing=mailing, sent_at__isnull=False)
    latest = sent.order_by("-sent_at", "-pk").values_list("pk", flat=True)
    mails = list(latest[:COMPLAINTS_LOOK_BACK])
    count = len(complained.intersection(mails))
    return count >= FEWEST_COMPLAINTS and count > COMPLAINTS_PER_MAIL * len(mails)


def trips(results: list[bool], rules: Rules) -> bool:
    """Whether among the last n results there are `many` of the sort; pure."""
    return any(sum(results[:last]) >= many for last, many in rules)


def trips_anywhere(results: list[bool], rules: Rules) -> bool:
    """Whether among any n of these results in a row there are `many`; pure."""
    return any(trips(results[start:], rules) for start in range(len(results)))
