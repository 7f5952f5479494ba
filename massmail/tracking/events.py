"""From requests as they came in to events that were judged.

A batch is one transaction that takes requests away and adds their events, so a kill
at any moment loses none and doubles none.
"""

from __future__ import annotations

import datetime as dt
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q

from massmail.models import (
    Delivery,
    DeliveryEvent,
    MailingOut,
    MassmailSettings,
    TrackedLink,
    TrackingHit,
)
from massmail.models.delivery_event import PROVING_KINDS
from massmail.models.proof import resolve_by_proof
from massmail.tracking.consent import objecting
from massmail.tracking.machines import Request, signs

BATCH = 1000
# More tell nothing new, whoever asks for a mail's links all day.
MOST_EVENTS = 500
UNCERTAIN = Delivery.Status.UNCERTAIN


def process_hits(*, now: dt.datetime, seconds: float) -> int:
    """Work off what has come in, for about `seconds`; returns how many requests."""
    until = time.monotonic() + seconds
    done = 0
    while TrackingHit.objects.exists():
        taken = process_batch(now)
        done += taken
        if not taken or time.monotonic() >= until:
            break
    prove_late(now)
    return done


@transaction.atomic
def process_batch(now: dt.datetime) -> int:
    """Two at once go one after the other: the rows that both want are locked."""
    hits = list(TrackingHit.objects.select_for_update().order_by("pk")[:BATCH])
    deliveries = Delivery.objects.in_bulk({hit.delivery_id for hit in hits})
    versions = versions_of_links(hits)
    add_events(wanted(hits, deliveries, versions), versions)
    judge(deliveries.values())
    TrackingHit.objects.filter(pk__in=[hit.pk for hit in hits]).delete()
    for delivery in deliveries.values():
        if delivery.status == UNCERTAIN:
            prove(delivery, now)
    return len(hits)


def versions_of_links(hits: Sequence[TrackingHit]) -> dict[int, int]:
    """Of each link that was followed and is still there, the version it is of."""
    followed = {hit.link_id for hit in hits if hit.link_id is not None}
    links = TrackedLink.objects.filter(pk__in=followed)
    return dict(links.values_list("pk", "version_id"))


def wanted(
    hits: Sequence[TrackingHit],
    deliveries: dict[int, Delivery],
    versions: dict[int, int],
) -> list[TrackingHit]:
    """What may be kept: consent may have been taken back since the mail left.

    A link of another message behind one's own token was put together by hand.
    """
    settings = MassmailSettings.load()
    is_noted = {
        DeliveryEvent.Kind.OPENED: settings.track_opens,
        DeliveryEvent.Kind.CLICKED: settings.track_clicks,
    }
    untracked = objecting(delivery.address_key for delivery in deliveries.values())
    allowed = [
        hit
        for hit in hits
        if is_noted[DeliveryEvent.Kind(hit.kind)]
        and hit.delivery_id in deliveries
        and deliveries[hit.delivery_id].address_key not in untracked
        and versions.get(hit.link_id or 0)
        in (None, deliveries[hit.delivery_id].version_id)
    ]
    return within_limit(allowed)


def within_limit(hits: Sequence[TrackingHit]) -> list[TrackingHit]:
    rows = DeliveryEvent.objects.tracked().filter(
        delivery__in={hit.delivery_id for hit in hits}
    )
    counted = rows.order_by().values_list("delivery").annotate(count=Count("pk"))
    counts = defaultdict(int, dict(counted))
    kept = []
    for hit in hits:
        counts[hit.delivery_id] += 1
        if counts[hit.delivery_id] <= MOST_EVENTS:
            kept.append(hit)
    return kept


def add_events(hits: Sequence[TrackingHit], versions: dict[int, int]) -> None:
    DeliveryEvent.objects.bulk_create(
        [
            DeliveryEvent(
                delivery_id=hit.delivery_id,
                kind=hit.kind,
                occurred_at=hit.occurred_at,
                link_id=hit.link_id if hit.link_id in versions else None,
                method=hit.method,
                user_agent=hit.user_agent,
                source_key=f"hit:{hit.pk}",
            )
            for hit in hits
        ],
        ignore_conflicts=True,
    )


def judge(deliveries: Iterable[Delivery]) -> int:
    """Judge all opens and clicks of these deliveries, also those judged before.

    Later ones can tell what earlier ones were. Returns how many changed.
    """
    by_id = {delivery.pk: delivery for delivery in deliveries}
    events: dict[int, list[DeliveryEvent]] = defaultdict(list)
    rows = DeliveryEvent.objects.tracked().filter(delivery__in=by_id)
    for event in rows.order_by("occurred_at", "pk"):
        events[event.delivery_id].append(event)
    changed = []
    for delivery_id, theirs in events.items():
        handed_over_at = by_id[delivery_id].sent_at or by_id[delivery_id].sending_at
        requests = [
            Request(event.occurred_at, event.method, event.user_agent, event.link_id)
            for event in theirs
        ]
        found = signs(requests, handed_over_at=handed_over_at)
        for event, sign in zip(theirs, found, strict=True):
            if (event.is_machine, event.detail) != (bool(sign), sign):
                event.is_machine, event.detail = bool(sign), sign
                changed.append(event)
    DeliveryEvent.objects.bulk_update(changed, ["is_machine", "detail"], batch_size=200)
    return len(changed)


def judge_all(*, chunk: int = 500) -> int:
    """Judge every open and click anew, after the rules have changed."""
    changed, after = 0, 0
    has_events = Exists(DeliveryEvent.objects.tracked().filter(delivery=OuterRef("pk")))
    while True:
        rows = Delivery.objects.filter(has_events, pk__gt=after).order_by("pk")
        deliveries = list(rows[:chunk])
        if not deliveries:
            return changed
        with transaction.atomic():
            changed += judge(deliveries)
        after = deliveries[-1].pk


def prove(delivery: Delivery, now: dt.datetime) -> bool:
    """Whoever asked, the mail has arrived."""
    return resolve_by_proof(
        delivery.pk, sent=True, now=now, detail="opened or came back"
    )


def prove_late(now: dt.datetime) -> None:
    """Rows that became uncertain after their mail had been opened, or had come back."""
    unsettled = Q(mailing__in=MailingOut.objects.exclude(status=MailingOut.Status.DONE))
    opened = Exists(
        DeliveryEvent.objects.filter(
            delivery=OuterRef("pk"),
            kind__in=PROVING_KINDS,
            occurred_at__gte=OuterRef("sending_at"),
        )
    )
    for delivery in Delivery.objects.filter(unsettled, opened, status=UNCERTAIN):
        prove(delivery, now)
