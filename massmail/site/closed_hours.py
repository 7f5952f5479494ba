"""Which recipients of the ledger wait for business hours by their own clock, and whose
mail has come back."""

from __future__ import annotations

import datetime as dt

from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest
from django.utils import timezone

from massmail.models import Delivery, DeliveryEvent, MassmailSettings
from massmail.models.bounce import Bounce
from massmail.sending.business_time import BusinessTime, business_time


class RecipientsList(ChangeList):
    """Each row of a page knows it; the settings are read once."""

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


def in_closed_hours(
    delivery: Delivery, hours: BusinessTime | None, now: dt.datetime
) -> bool:
    """Whether its recipient's hours alone keep it waiting, as far as it can tell."""
    if hours is None or not hours.by_recipient or delivery.reason:
        return False
    mailing = delivery.mailing
    is_on_its_way = mailing is not None and mailing.launched_at is not None
    is_due = delivery.status == Delivery.Status.QUEUED and delivery.not_before <= now
    return is_on_its_way and is_due and not hours.at(delivery.time_zone).is_open(now)
