"""Is the sender running, and how much waits for it?"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, Min, Q

from massmail.models import AccountLane, Delivery, Heartbeat, MailingOut


@dataclass(frozen=True, slots=True)
class Pulse:
    """A part of the sender, and when it last did its work; None: never."""

    name: str
    beat_at: dt.datetime | None
    is_alive: bool


@dataclass(frozen=True, slots=True)
class SenderHealth:
    """`due` of the `waiting` rows may leave now; `oldest_at` is since when one may."""

    pulses: list[Pulse]
    waiting: int
    due: int
    oldest_at: dt.datetime | None

    @property
    def is_running(self) -> bool:
        return all(pulse.is_alive for pulse in self.pulses)


def sender_health(now: dt.datetime) -> SenderHealth:
    """Rows of paused, stopped and later mailings wait for people, so they are out."""
    running = MailingOut.objects.sending(now).values("pk")
    rows = Delivery.objects.filter(
        Q(mailing=None) | Q(mailing__in=running), status=Delivery.Status.QUEUED
    )
    found = rows.aggregate(
        waiting=Count("pk"),
        due=Count("pk", filter=Q(not_before__lte=now)),
        oldest=Min("not_before", filter=Q(not_before__lte=now)),
    )
    return SenderHealth(
        pulses=[pulse(name, now) for name in (Heartbeat.BEAT, Heartbeat.WORKER)],
        waiting=found["waiting"],
        due=found["due"],
        oldest_at=found["oldest"],
    )


def pulse(name: str, now: dt.datetime) -> Pulse:
    row = Heartbeat.objects.filter(name=name).first()
    is_alive = Heartbeat.objects.is_alive(name, now)
    if name == Heartbeat.WORKER and not is_alive:
        # A held lane proves a worker that is long about one message.
        is_alive = AccountLane.objects.filter(lease_until__gt=now).exists()
    return Pulse(name, row.beat_at if row else None, is_alive)
