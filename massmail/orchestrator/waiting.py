"""What keeps an account's rows waiting, in one sentence, and when it passes.

In the order time → account and quotas → worker.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from django.utils import timezone
from django.utils.translation import gettext as _

from massmail.conf import conf
from massmail.models import (
    AccountLane,
    Delivery,
    EmailAccount,
    Heartbeat,
    MassmailSettings,
    SendAttempt,
)
from massmail.models.delivery_states import DOMAIN_LIMIT
from massmail.models.delivery_transitions import DeliveryQuerySet
from massmail.models.planned_accounts import waiting_for
from massmail.orchestrator.wait_ends import goes_on, is_closed
from massmail.sending.business_time import BusinessTime, business_time
from massmail.sending.lanes import lanes_of
from massmail.sending.outcomes import HELP
from massmail.sending.quotas import room

Status = Delivery.Status
# A server that takes longer for an answer keeps the mailing waiting.
SILENT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Explanation:
    """`reason` is a sentence for the manager; `next_at` None: a person must act, or
    nothing is left to do."""

    reason: str
    next_at: dt.datetime | None = None


def explain_account(
    account: EmailAccount, *, now: dt.datetime | None = None
) -> Explanation:
    """The same for all that waits for an account, whichever mailing it is of."""
    moment = now or timezone.now()
    settings = MassmailSettings.load()
    rows = waiting_for(account)
    if not rows.exists():
        return Explanation(_("Nothing waits for it."))
    # Mail of its own, such as alerts, does not wait for business hours.
    alone = rows.filter(mailing=None)
    hours = None if alone.exists() else of_hours(rows, settings, moment)
    found = of_state(account, moment) or hours
    found = found or of_pace(account, rows, settings, moment)
    if not alone.exists():
        found = until_all_is_over(found, account, rows, settings)
    sends = Explanation(_("It sends what is waiting."), moment)
    return found or of_worker(moment) or sends


def until_all_is_over(
    found: Explanation | None,
    account: EmailAccount,
    rows: DeliveryQuerySet,
    settings: MassmailSettings,
) -> Explanation | None:
    """The same cause; when it has passed, another may still hold the account."""
    if found is None or found.next_at is None:
        return found
    return replace(found, next_at=goes_on(account, rows, settings, found.next_at))


def of_hours(
    rows: DeliveryQuerySet, settings: MassmailSettings, now: dt.datetime
) -> Explanation | None:
    hours = business_time(settings)
    opening = opens(rows, hours, now)
    if hours is None or opening == now:
        return None
    if hours.by_recipient:
        reason = _("It is outside business hours now where the recipients are.")
    else:
        reason = _("It is outside business hours now.")
    return Explanation(reason, opening)


def opens(
    rows: DeliveryQuerySet, hours: BusinessTime | None, moment: dt.datetime
) -> dt.datetime | None:
    """The first moment from then on at which one of these rows may be sent."""
    if hours is None or not hours.by_recipient:
        return hours.next_opening(moment) if hours else moment
    zones = rows.order_by().values_list("time_zone", flat=True).distinct()
    found = [hours.at(zone).next_opening(moment) for zone in zones]
    return min(filter(None, found), default=None)


def of_state(account: EmailAccount, now: dt.datetime) -> Explanation | None:
    """Stopped or at rest."""
    name = {"account": account.name}
    if account.state == EmailAccount.State.STOPPED:
        why = HELP.get(account.state_reason, account.state_reason)
        return Explanation(
            _("The account %(account)s is stopped: %(why)s") % (name | {"why": why})
        )
    if account.state == EmailAccount.State.PAUSED and (
        account.paused_until is None or account.paused_until > now
    ):
        why = HELP.get(account.state_reason, account.state_reason)
        return Explanation(
            _("The account %(account)s rests: %(why)s") % (name | {"why": why}),
            account.paused_until,
        )
    return None


def of_pace(
    account: EmailAccount,
    rows: DeliveryQuerySet,
    settings: MassmailSettings,
    now: dt.datetime,
) -> Explanation | None:
    """Quota, gap, retry times of these waiting rows: what passes by itself."""
    name = {"account": account.name}
    free = room(account, settings, now=now, wanted=1)
    if not free.count:
        return Explanation(
            _("The account %(account)s has used up its sending limit.") % name,
            None if is_closed(account, settings) else free.next_at,
        )
    if account.next_send_at and account.next_send_at > now:
        return Explanation(
            _("The account %(account)s pauses between two messages.") % name,
            account.next_send_at,
        )
    if not rows.due(now).exists():
        return of_rows_ahead(account, rows)
    return of_lanes(account, now)


def of_lanes(account: EmailAccount, now: dt.datetime) -> Explanation | None:
    """All are in use, and nothing was heard on them for a while."""
    lanes = AccountLane.objects.filter(email_account=account, lease_until__gt=now)
    ends = sorted(filter(None, lanes.values_list("lease_until", flat=True)))
    if len(ends) < lanes_of(account) or was_heard_of(account, ends, now):
        return None
    text = _(
        "The account %(account)s waits for its server's answer, or for the end of a "
        "worker that was lost."
    )
    return Explanation(text % {"account": account.name}, ends[0])


def was_heard_of(
    account: EmailAccount, lease_ends: list[dt.datetime], now: dt.datetime
) -> bool:
    """A message began or ended, or a lane was taken, a short while ago.

    Or never yet: its first messages are on their way.
    """
    while_ago = dt.timedelta(seconds=SILENT_SECONDS)
    fresh = now + dt.timedelta(seconds=conf.LEASE_SECONDS)
    if any(fresh - while_ago < end <= fresh for end in lease_ends):
        return True
    attempts = SendAttempt.objects.filter(email_account=account)
    newest = attempts.order_by("-occurred_at").first()
    return newest is None or newest.occurred_at > now - while_ago


def of_rows_ahead(account: EmailAccount, rows: DeliveryQuerySet) -> Explanation:
    """None is due: what the first of them waits for."""
    first = rows.order_by("not_before", "pk").first()
    if first is not None and first.reason == DOMAIN_LIMIT:
        text = _(
            "The account %(account)s has sent as much to the domain of the next "
            "recipients as it may in an hour."
        )
        return Explanation(text % {"account": account.name}, first.not_before)
    return Explanation(
        _("The remaining recipients are tried again later."),
        first.not_before if first else None,
    )


def of_worker(now: dt.datetime) -> Explanation | None:
    """A held lane proves a worker even where its heartbeat is late."""
    if AccountLane.objects.filter(lease_until__gt=now).exists():
        return None
    if not Heartbeat.objects.is_alive(Heartbeat.BEAT, now):
        return Explanation(
            _("The scheduler (beat) is not running; tell the administrator."), now
        )
    if not Heartbeat.objects.is_alive(Heartbeat.WORKER, now):
        return Explanation(
            _("No sending worker is running; tell the administrator."), now
        )
    return None
