"""Which recipients of the ledger wait for business hours by their own clock."""

from __future__ import annotations

import datetime as dt

from massmail.models import Delivery
from massmail.sending.business_time import BusinessTime


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
