"""The promises as questions to the whole database, each answered set-based."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db.models import (
    Count,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce

from massmail.models import Delivery, DeliveryEvent, MailingOut, SendAttempt
from massmail.models.delivery_event import PROVING_KINDS
from massmail.models.delivery_states import LEASED_STATUSES, OPEN_STATUSES
from massmail.models.mailing_out import SENDING_STATUSES

Status = Delivery.Status
# Rows shown of each kind; the count is always that of all.
SHOWN = 100


@dataclass(frozen=True, slots=True)
class Broken:
    """A promise that rows break: how many, and the keys of the first hundred."""

    check: str
    promise: str
    count: int
    rows: list[int]


def check_ledger(now: dt.datetime) -> Iterator[Broken]:
    """What is broken; nothing for a clean ledger."""
    for check, (promise, find) in CHECKS.items():
        rows = find(now)
        if count := rows.count():
            keys = list(rows.order_by("pk").values_list("pk", flat=True)[:SHOWN])
            yield Broken(check, promise, count, keys)


def accepted_twice(now: dt.datetime) -> QuerySet:
    """Each acceptance after the first needs a person who wanted it sent again."""
    attempts = SendAttempt.objects.filter(
        delivery=OuterRef("pk"), outcome=SendAttempt.Outcome.SENT
    )
    decisions = DeliveryEvent.objects.filter(
        delivery=OuterRef("pk"), kind=DeliveryEvent.Kind.PUT_BACK
    )
    twice = SendAttempt.objects.filter(outcome=SendAttempt.Outcome.SENT)
    several = twice.values("delivery").annotate(n=Count("pk")).filter(n__gt=1)
    rows = Delivery.objects.filter(pk__in=several.values("delivery"))
    return rows.alias(
        acceptances=counted(attempts), decisions=counted(decisions)
    ).filter(acceptances__gt=F("decisions") + 1)


def counted(rows: QuerySet) -> Coalesce:
    """The number of a delivery's rows, as a subquery."""
    numbers = rows.order_by().values("delivery").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(numbers), 0)


def address_mailed_twice(now: dt.datetime) -> QuerySet:
    others = Delivery.objects.filter(
        mailing=OuterRef("mailing"), address_key=OuterRef("address_key")
    ).exclude(pk=OuterRef("pk"))
    mailed = Q(status__in=(Status.SENT, Status.UNCERTAIN, Status.SENDING))
    return Delivery.objects.filter(
        mailed, Exists(others.filter(mailed)), mailing__isnull=False
    )


def sent_without_acceptance(now: dt.datetime) -> QuerySet:
    """Sent means that a server said so, or that a proof was written down."""
    accepted = SendAttempt.objects.filter(
        delivery=OuterRef("pk"), outcome=SendAttempt.Outcome.SENT
    )
    events = DeliveryEvent.objects.filter(delivery=OuterRef("pk"))
    unproved = ~Exists(accepted) & ~Exists(events)
    return Delivery.objects.filter(unproved | Q(message_id=""), status=Status.SENT)


def accepted_but_not_sent(now: dt.datetime) -> QuerySet:
    accepted = SendAttempt.objects.filter(
        delivery=OuterRef("pk"), outcome=SendAttempt.Outcome.SENT
    )
    # One that is being sent again just now becomes sent with that result.
    return Delivery.objects.filter(Exists(accepted)).exclude(
        status__in=(Status.SENT, Status.SENDING)
    )


def rows_lost(now: dt.datetime) -> QuerySet:
    return MailingOut.objects.annotate(n=Count("deliveries")).exclude(
        n=F("recipients_count")
    )


def done_but_open(now: dt.datetime) -> QuerySet:
    return MailingOut.objects.filter(Exists(open_rows()), status=MailingOut.Status.DONE)


def cancelled_but_waiting(now: dt.datetime) -> QuerySet:
    waiting = open_rows().filter(status=Status.QUEUED)
    return MailingOut.objects.filter(
        Exists(waiting), status=MailingOut.Status.INTERRUPTED
    )


def open_rows() -> QuerySet:
    return Delivery.objects.filter(mailing=OuterRef("pk"), status__in=OPEN_STATUSES)


def launched_without_version(now: dt.datetime) -> QuerySet:
    return MailingOut.objects.filter(launched_at__isnull=False, version=None)


def waiting_for_nobody(now: dt.datetime) -> QuerySet:
    return Delivery.objects.filter(
        status=Status.QUEUED,
        email_account=None,
        mailing__launched_at__isnull=False,
    )


def in_doubt_but_waiting(now: dt.datetime) -> QuerySet:
    """Each hand-over whose answer is unknown needs a decision or a proof."""
    unknown = SendAttempt.objects.filter(outcome=SendAttempt.Outcome.UNCERTAIN)
    decisions = DeliveryEvent.objects.filter(
        delivery=OuterRef("pk"),
        kind__in=(DeliveryEvent.Kind.PUT_BACK, DeliveryEvent.Kind.RESOLVED),
    )
    rows = Delivery.objects.filter(pk__in=unknown.values("delivery")).exclude(
        status__in=(Status.SENDING, Status.SENT, Status.UNCERTAIN)
    )
    doubts = counted(unknown.filter(delivery=OuterRef("pk")))
    return rows.alias(doubts=doubts, decisions=counted(decisions)).filter(
        doubts__gt=F("decisions")
    )


def proved_but_uncertain(now: dt.datetime) -> QuerySet:
    """Opened, answered or come back an hour ago: nothing has drawn the conclusion."""
    proofs = DeliveryEvent.objects.filter(
        delivery=OuterRef("pk"),
        kind__in=PROVING_KINDS,
        occurred_at__gte=OuterRef("sending_at"),
        occurred_at__lt=now - dt.timedelta(hours=1),
    )
    doubtful = Delivery.objects.filter(
        status=Status.UNCERTAIN,
        mailing__isnull=False,
        result_at__lt=now - dt.timedelta(hours=1),
    )
    return doubtful.filter(Exists(proofs))


def hand_over_without_attempt(now: dt.datetime) -> QuerySet:
    """No quota counts it."""
    attempts = SendAttempt.objects.filter(delivery=OuterRef("pk"))
    outcomes = SendAttempt.Outcome
    current = attempts.filter(outcome=outcomes.OPEN, token=OuterRef("claim_token"))
    unknown = attempts.filter(outcome=outcomes.UNCERTAIN)
    return Delivery.objects.filter(
        Q(~Exists(current), status=Status.SENDING)
        | Q(~Exists(unknown), status=Status.UNCERTAIN)
    )


def message_id_twice(now: dt.datetime) -> QuerySet:
    """A proof about one of them would be taken for the other."""
    named = Delivery.objects.exclude(message_id="")
    names = named.order_by().values("message_id").annotate(n=Count("pk"))
    return named.filter(message_id__in=names.filter(n__gt=1).values("message_id"))


def row_in_no_state(now: dt.datetime) -> QuerySet:
    """One that no count shows, or that does not say why."""
    reasons = Delivery.SkipReason.values
    return Delivery.objects.filter(
        ~Q(status__in=Status.values)
        | Q(status=Status.SKIPPED) & ~Q(reason__in=reasons)
        | Q(status__in=(Status.FAILED, Status.UNCERTAIN), reason="")
    )


def mailing_in_no_state(now: dt.datetime) -> QuerySet:
    return MailingOut.objects.exclude(status__in=MailingOut.Status.values)


def running_without_launch(now: dt.datetime) -> QuerySet:
    """Its recipients were never checked."""
    states = MailingOut.Status
    return MailingOut.objects.filter(
        status__in=(*SENDING_STATUSES, states.DONE), launched_at=None
    )


def totals_are_wrong(now: dt.datetime) -> QuerySet:
    """What was stored when a mailing was done still is what its rows say."""
    counts = {
        f"n_{status}": Count("deliveries", filter=Q(deliveries__status=status))
        for status in Status.values
    }
    stored = {f"stored_{status}": stored_total(status) for status in Status.values}
    right = Q(**{f"n_{status}": F(f"stored_{status}") for status in Status.values})
    done = MailingOut.objects.filter(
        status=MailingOut.Status.DONE, totals__isnull=False
    )
    return done.alias(**counts, **stored).filter(~right)


def stored_total(status: str) -> Coalesce:
    return Coalesce(Cast(KeyTextTransform(status, "totals"), IntegerField()), -1)


def held_by_the_dead(now: dt.datetime) -> QuerySet:
    """Leases that ran out an hour ago: nothing takes them back."""
    return Delivery.objects.filter(
        status__in=LEASED_STATUSES, lease_until__lt=now - dt.timedelta(hours=1)
    )


def half_added(now: dt.datetime) -> QuerySet:
    return Delivery.objects.filter(
        status=Status.SKIPPED, reason=Delivery.SkipReason.PREPARING
    )


def attempts_without_hand_over(now: dt.datetime) -> QuerySet:
    """An open attempt belongs to a row that is being sent by the same claim."""
    current = Delivery.objects.filter(
        pk=OuterRef("delivery"), status=Status.SENDING, claim_token=OuterRef("token")
    )
    return SendAttempt.objects.filter(
        ~Exists(current), outcome=SendAttempt.Outcome.OPEN
    )


Check = tuple[str, Callable[[dt.datetime], QuerySet]]
CHECKS: dict[str, Check] = {
    "accepted_twice": ("never twice", accepted_twice),
    "address_mailed_twice": ("never twice", address_mailed_twice),
    "sent_without_acceptance": ("never lost", sent_without_acceptance),
    "accepted_but_not_sent": ("never lost", accepted_but_not_sent),
    "rows_lost": ("never lost", rows_lost),
    "done_but_open": ("never lost", done_but_open),
    "cancelled_but_waiting": ("never silent", cancelled_but_waiting),
    "launched_without_version": ("never lost", launched_without_version),
    "waiting_for_nobody": ("never silent", waiting_for_nobody),
    "held_by_the_dead": ("never silent", held_by_the_dead),
    "half_added": ("never lost", half_added),
    "attempts_without_hand_over": ("never lost", attempts_without_hand_over),
    "hand_over_without_attempt": ("never lost", hand_over_without_attempt),
    "in_doubt_but_waiting": ("never twice", in_doubt_but_waiting),
    "proved_but_uncertain": ("never silent", proved_but_uncertain),
    "message_id_twice": ("never twice", message_id_twice),
    "row_in_no_state": ("never lost", row_in_no_state),
    "totals_are_wrong": ("never lost", totals_are_wrong),
    "mailing_in_no_state": ("never silent", mailing_in_no_state),
    "running_without_launch": ("never against consent", running_without_launch),
}
