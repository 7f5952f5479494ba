"""The recipients of a mailing by what came of it."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from massmail.models import DeliveryEvent
from massmail.models.delivery_event import RETURNED_KINDS
from massmail.site.mailing_responses import LABELS, RESPONSE

Kind = DeliveryEvent.Kind
# A click implies an open; from all mailings, or from the lists of this one.
KINDS = {
    Kind.OPENED: (Kind.OPENED, Kind.CLICKED),
    Kind.UNSUBSCRIBED: (Kind.UNSUBSCRIBED, Kind.LEFT_LIST),
}


class ResponseFilter(SimpleListFilter):
    """As the mailing's page counts them: of opens and clicks only those of people."""

    title = _("what came of it")
    parameter_name = RESPONSE

    def lookups(
        self, request: HttpRequest, model_admin: ModelAdmin
    ) -> list[tuple[str, Any]]:
        return [(str(kind), label) for kind, label in LABELS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        value = self.value()
        if value is None:
            return queryset
        if value not in LABELS:
            return queryset.none()
        if value in RETURNED_KINDS:
            # They are few: each kind has an index of its own.
            events = DeliveryEvent.objects.filter(kind=value)
            return queryset.filter(pk__in=events.order_by().values("delivery"))
        kinds = KINDS.get(Kind(value), (value,))
        events = DeliveryEvent.objects.filter(
            delivery=OuterRef("pk"), kind__in=kinds, is_machine=False
        )
        return queryset.filter(Exists(events))
