"""A page of recipients with what its rows' own columns do not say."""

from __future__ import annotations

from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest
from django.utils import timezone

from massmail.models import Delivery, DeliveryEvent, MassmailSettings
from massmail.models.bounce import Bounce
from massmail.sending.business_time import business_time
from massmail.site.closed_hours import in_closed_hours


class RecipientsList(ChangeList):
    """Each row knows whether it waits for its hours, and how its mail came back."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        hours, now = business_time(MassmailSettings.load()), timezone.now()
        self.result_list = list(self.result_list)
        bounces = bounces_of(self.result_list)
        for row in self.result_list:
            row.in_closed_hours = in_closed_hours(row, hours, now)
            row.bounce = bounces.get(row.pk)


def bounces_of(deliveries: list[Delivery]) -> dict[int, Bounce]:
    """The latest of each, by one query."""
    events = DeliveryEvent.objects.filter(
        delivery__in=[row.pk for row in deliveries], kind=DeliveryEvent.Kind.BOUNCED
    ).order_by("occurred_at", "pk")
    return {
        pk: Bounce.of(text) for pk, text in events.values_list("delivery", "detail")
    }
