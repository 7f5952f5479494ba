"""When failing again and again puts an address on the "don't mail" list."""

from __future__ import annotations

import datetime as dt

from django.db.models import Exists, OuterRef, Q

from massmail.models.delivery import Delivery
from massmail.models.delivery_event import DeliveryEvent
from massmail.models.massmail_settings import MassmailSettings
from massmail.models.suppressed_address import SuppressedAddress

# What a temporary failure ends with in the ledger; a report of non-delivery that
# comes later begins its event's detail with the second word.
GAVE_UP = "gave_up"
SOFT = "soft"
SETTLED = (Delivery.Status.SENT, Delivery.Status.FAILED)


def suppress_after_failures(
    address_key: str, *, address: str, now: dt.datetime
) -> bool:
    """Put the address on the list if its last mails all failed for the time being.

    How many, within how many days, is in the settings. A mail that arrived in
    between begins the count anew. Idempotent; whether the list covers it now.
    """
    settings = MassmailSettings.load()
    limit = settings.soft_bounce_count
    if not limit or not address_key:
        return False
    since = now - dt.timedelta(days=settings.soft_bounce_days)
    outcomes = last_outcomes(address_key, since=since, limit=limit)
    if len(outcomes) < limit or not all(outcomes):
        return False
    SuppressedAddress.objects.suppress_key(
        address_key,
        address=address,
        reason=SuppressedAddress.Reason.SOFT_BOUNCES,
        source=f"{limit} failures within {settings.soft_bounce_days} days",
    )
    return True


def last_outcomes(address_key: str, *, since: dt.datetime, limit: int) -> list[bool]:
    """Of the last mails to an address: did it fail for the time being?"""
    bounced = DeliveryEvent.objects.filter(
        delivery=OuterRef("pk"),
        kind=DeliveryEvent.Kind.BOUNCED,
        detail__startswith=SOFT,
    )
    failed = Q(status=Delivery.Status.FAILED, reason=GAVE_UP) | Q(Exists(bounced))
    rows = Delivery.objects.filter(
        address_key=address_key, status__in=SETTLED, result_at__gt=since
    )
    latest = rows.order_by("-result_at", "-pk")[:limit].values_list("pk", flat=True)
    soft = set(Delivery.objects.filter(failed, pk__in=list(latest)).values_list("pk"))
    return [(pk,) in soft for pk in latest]
