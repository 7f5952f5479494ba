"""What keeps an account's rows waiting, in one sentence, and when it passes.

In the order time → account and quotas → worker.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain
from operator import attrgetter

from django.utils.translation import gettext as _

from massmail.conf import conf
from massmail.models import (
    AccountLane,
    Delivery,
    EmailAccount,
    MailingOut,
    SendAttempt,
)
from massmail.models.delivery_states import DOMAIN_LIMIT
from massmail.models.first_of_zones import first_of_zones
from massmail.orchestrator.circumstances import Circumstances, Explanation
from massmail.orchestrator.wait_ends import first_opening, goes_on, is_closed
from massmail.sending.business_time import BusinessTime, business_time
from massmail.sending.lanes import lanes_of
from massmail.sending.outcomes import HELP

Status = Delivery.Status
# A server that takes longer for an answer keeps the mailing waiting.
SILENT_SECONDS = 30.0


def explain_account(
    account: EmailAccount, *, now: dt.datetime | None = None
) -> Explanation:
    """The same for all that waits for an account, whichever mailing it is of."""
    circumstances = Circumstances(now=now)
    moment = circumstances.now
    alone, firsts = first_alone(account), firsts_in_mailings(account)
    if not alone and not firsts:
        return Explanation(_("Nothing waits for it."))
    found = of_state(account, moment) or of_hours_beside(alone, firsts, circumstances)
    found = found or of_pace(account, [*alone, *firsts], circumstances)
    if not alone:
        found = until_all_is_over(found, account, firsts, circumstances)
    sends = Explanation(_("It sends what is waiting."), moment)
    return found or circumstances.silent_worker or sends


def first_alone(account: EmailAccount) -> list[Delivery]:
    """Of what it sends without a mailing."""
    rows = Delivery.objects.filter(
        email_account=account, mailing=None, status=Status.QUEUED
    )
    return list(rows.order_by("not_before", "pk")[:1])


def firsts_in_mailings(account: EmailAccount) -> list[Delivery]:
    """Of what it sends for those that are under way."""
    mailings = MailingOut.objects.under_way().values_list("pk", flat=True)
    found = first_of_zones((account.pk, mailing) for mailing in mailings)
    return list(chain.from_iterable(found.values()))


def until_all_is_over(
    found: Explanation | None,
    account: EmailAccount,
    firsts: Sequence[Delivery],
    circumstances: Circumstances,
) -> Explanation | None:
    """The same cause; when it has passed, another may still hold the account."""
    if found is None or found.next_at is None:
        return found
    next_at = goes_on(account, firsts, circumstances, found.next_at)
    return replace(found, next_at=next_at)


def of_hours_beside(
    alone: Sequence[Delivery], firsts: Sequence[Delivery], circumstances: Circumstances
) -> Explanation | None:
    """Mail of its own, such as alerts, does not wait for business hours."""
    found = of_hours(firsts, circumstances) if firsts else None
    turns = [row.not_before for row in alone]
    if found is None or any(turn <= circumstances.now for turn in turns):
        return None
    ends = filter(None, [found.next_at, *turns])
    return replace(found, next_at=min(ends, default=None))


def of_hours(
    firsts: Sequence[Delivery], circumstances: Circumstances
) -> Explanation | None:
    """Whoever is due is outside his hours, whoever else is in them."""
    hours, now = business_time(circumstances.settings), circumstances.now
    due = [row for row in firsts if row.not_before <= now]
    opening = opens(due or firsts, hours, now)
    if hours is None or opening == now:
        return None
    if hours.by_recipient:
        reason = _("It is outside business hours now where the recipients are.")
        # Before it somebody may be tried again who is in them.
        opening = first_opening(firsts, hours, now) or opening
    else:
        reason = _("It is outside business hours now.")
    return Explanation(reason, opening)


def opens(
    rows: Iterable[Delivery], hours: BusinessTime | None, moment: dt.datetime
) -> dt.datetime | None:
    """The first moment from then on at which one of these rows may be sent.

    Without any it is told by the site's own clock.
    """
    if hours is None or not hours.by_recipient:
        return hours.next_opening(moment) if hours else moment
    zones = {row.time_zone for row in rows} or {""}
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
    account: EmailAccount, firsts: Sequence[Delivery], circumstances: Circumstances
) -> Explanation | None:
    """Quota, gap, retry times of what waits: what passes by itself."""
    name, now = {"account": account.name}, circumstances.now
    if is_closed(account, circumstances.settings):
        return Explanation(
            _("The account %(account)s may send nothing: one of its limits is 0.")
            % name
        )
    free = circumstances.room(account, now)
    if not free.count:
        return Explanation(
            _("The account %(account)s has used up its sending limit.") % name,
            free.next_at,
        )
    if account.next_send_at and account.next_send_at > now:
        return Explanation(
            _("The account %(account)s pauses between two messages.") % name,
            account.next_send_at,
        )
    first = min(firsts, key=attrgetter("not_before", "pk"), default=None)
    if first is None or first.not_before > now:
        return of_row_ahead(account, first)
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


def of_row_ahead(account: EmailAccount, first: Delivery | None) -> Explanation:
    """None is due: what the first of them waits for."""
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
