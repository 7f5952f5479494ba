"""When an account goes on, whatever it waits for.

One wait may end inside another: a pause while the limit of the day is used up, the
limit at night. The sentence names the first of them, the time is that of the last.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from massmail.models import Delivery, EmailAccount, MassmailSettings
from massmail.orchestrator.circumstances import Circumstances
from massmail.orchestrator.forecast import waits_for_person
from massmail.sending.business_time import BusinessTime, business_time
from massmail.sending.quotas import limits

# Each round leaves at least one wait behind; rows of many zones may take some.
MAX_ROUNDS = 50


def goes_on(
    account: EmailAccount,
    firsts: Sequence[Delivery],
    circumstances: Circumstances,
    moment: dt.datetime,
) -> dt.datetime | None:
    """The first moment from then on at which the account may send what waits.

    `firsts` are the rows of each time zone that are due first. None: a person must act
    before.
    """
    for _round in range(MAX_ROUNDS):
        later = longest_wait(account, firsts, circumstances, moment)
        if later is None or later == moment:
            return later
        moment = later
    return moment


def longest_wait(
    account: EmailAccount,
    firsts: Sequence[Delivery],
    circumstances: Circumstances,
    moment: dt.datetime,
) -> dt.datetime | None:
    """The latest end of what the account would wait for then, or `moment`."""
    settings = circumstances.settings
    if waits_for_person(account) or is_closed(account, settings):
        return None
    opening = first_opening(firsts, business_time(settings), moment)
    if opening is None:
        return None
    ends = [account.next_send_at, circumstances.room(account, moment).next_at]
    if account.state == EmailAccount.State.PAUSED:
        ends.append(account.paused_until)
    return max([opening, *filter(None, ends)])


def is_closed(account: EmailAccount, settings: MassmailSettings) -> bool:
    """A limit of 0 frees at no time."""
    return any(not limit for _window, limit in limits(account, settings))


def first_opening(
    firsts: Sequence[Delivery], hours: BusinessTime | None, moment: dt.datetime
) -> dt.datetime | None:
    """The first moment from then on at which one of these rows is due in its hours."""
    if hours and hours.by_recipient:
        openings = [
            hours.at(row.time_zone).next_opening(max(moment, row.not_before))
            for row in firsts
        ]
        return min(filter(None, openings), default=None)
    due = max(moment, min((row.not_before for row in firsts), default=moment))
    return hours.next_opening(due) if hours else due
