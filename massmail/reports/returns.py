"""How many recipients of a mailing a mail came back from, and in which ways."""

from __future__ import annotations

from collections import defaultdict

from django.db.models import F, Func, IntegerField, QuerySet, Subquery

from massmail.models import DeliveryEvent, MailingOut
from massmail.models.delivery_event import RETURNED_KINDS
from massmail.models.key_range import key_range


def returned_counts(mailing: MailingOut) -> dict[str, int]:
    """Recipients by kind of event; every kind is named. The cost is that of the few
    events: each kind has an index of its own."""
    count = Func(
        F("delivery"),
        template="COUNT(DISTINCT %(expressions)s)",
        output_field=IntegerField(),
    )
    rows = events_of(mailing).order_by()
    columns = [
        Subquery(rows.filter(kind=kind).values(count=count)) for kind in RETURNED_KINDS
    ]
    found = MailingOut.objects.filter(pk=mailing.pk).values_list(*columns).get()
    return dict(zip([kind.value for kind in RETURNED_KINDS], found, strict=True))


def returns_by_delivery(mailing: MailingOut) -> dict[int, list[tuple[str, str]]]:
    """Kinds and details of what came back, the oldest first: few of many rows."""
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    rows = events_of(mailing).filter(kind__in=RETURNED_KINDS)
    columns = ("delivery", "kind", "detail")
    for pk, kind, detail in rows.order_by("occurred_at", "pk").values_list(*columns):
        found[pk].append((kind, detail))
    return found


def events_of(mailing: MailingOut) -> QuerySet[DeliveryEvent]:
    """Found between the keys of the mailing's rows: they mostly lie side by side."""
    first, last = key_range(mailing.pk)
    return DeliveryEvent.objects.filter(
        delivery__gte=first, delivery__lte=last, delivery__mailing=mailing
    )
