"""When an account goes on, whatever it waits for.

One wait may end inside another: a pause while the limit of the day is used up, the
limit at night. The sentence names the first of them, the time is that of the last.
"""

from __future__ import annotations

import datetime as dt

from django.db.models import Min

from massmail.models import EmailAccount, MassmailSettings
from massmail.models.delivery_transitions import DeliveryQuerySet
from massmail.orchestrator.forecast import waits_for_person
from massmail.sending.business_time import BusinessTime, business_time
from massmail.sending.quotas import limits, room

# Each round leaves at least one wait behind; rows of many zones may take some.
MAX_ROUNDS = 50


def goes_on(
    account: EmailAccount,
    rows: DeliveryQuerySet,
    settings: MassmailSettings,
    moment: dt.datetime,
) -> dt.datetime | None:
    """The first moment from then on at which the account may send one of these rows.

    None: a person must act first.
    """
    for _round in range(MAX_ROUNDS):
        later = longest_wait(account, rows, settings, moment)
        if later is None or later == moment:
            return later
        moment = later
    return moment


def longest_wait(
    account: EmailAccount,
    rows: DeliveryQuerySet,
    settings: MassmailSettings,
    moment: dt.datetime,
) -> dt.datetime | None:
    """The latest end of what the account would wait for then, or `moment`."""
    if waits_for_person(account) or is_closed(account, settings):
        return None
    opening = first_opening(rows, business_time(settings), moment)
    if opening is None:
        return None
    ends = [account.next_send_at, room(account, settings, now=moment, wanted=1).next_at]
    if account.state == EmailAccount.State.PAUSED:
        ends.append(account.paused_until)
    return max([opening, *filter(None, ends)])


def is_closed(account: EmailAccount, settings: MassmailSettings) -> bool:
    """A limit of 0 frees at no time."""
    return any(not limit for _window, limit in limits(account, settings))


def first_opening(
    rows: DeliveryQuerySet, hours: BusinessTime | None, moment: dt.datetime
) -> dt.datetime | None:
    """The first moment from then on at which one of these rows is due in its hours."""
    if hours and hours.by_recipient:
        zones = rows.order_by().values_list("time_zone").annotate(Min("not_before"))
        openings = [
            hours.at(zone).next_opening(max(moment, due)) for zone, due in zones
        ]
        return min(filter(None, openings), default=None)
    due = moment if rows.due(moment).exists() else first_due(rows) or moment
    return hours.next_opening(due) if hours else due


def first_due(rows: DeliveryQuerySet) -> dt.datetime | None:
    return rows.aggregate(first=Min("not_before"))["first"]
