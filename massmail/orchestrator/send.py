"""Sending an account's queue: the door for Celery, the command and scripts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from massmail.backends.causes import Cause
from massmail.backends.phases import Phase
from massmail.conf import conf
from massmail.models import EmailAccount, Heartbeat
from massmail.models.address import Address, InvalidAddress
from massmail.models.email_account import new_token
from massmail.orchestrator.clock import Clock
from massmail.orchestrator.report import SendReport
from massmail.orchestrator.run import Run
from massmail.sending.account_health import account_failed
from massmail.sending.lanes import lanes_of, return_lanes, take_lanes
from massmail.sending.outcomes import classify


def never() -> bool:
    return False


def send_account_queue(
    account_id: int,
    *,
    now: dt.datetime | None = None,
    lanes: int | None = None,
    stop: Callable[[], bool] = never,
) -> SendReport:
    """Send what is due through an account, for at most RUN_SECONDS.

    Takes up to `lanes` free lanes (all of them by default) and leaves at once when
    there are none. `now` governs leases, quotas, retries and back-off; `stop` is
    asked before each message. Any number of these may run at the same time.
    """
    clock = Clock(now)
    Heartbeat.objects.beat(Heartbeat.WORKER, clock())
    account = EmailAccount.objects.filter(pk=account_id).first()
    if account is None:
        return SendReport(account_id, stopped_because="account_deleted")
    if not sender_is_sound(account, now=clock()):
        return SendReport(account_id, stopped_because="sender_invalid")
    token = new_token()
    wanted = min(lanes or lanes_of(account), lanes_of(account))
    taken = take_lanes(account, token, wanted=wanted, now=clock())
    if not taken:
        return SendReport(account_id, stopped_because="no_free_lane")
    try:
        report = Run(account, token, clock=clock, stop=stop).execute(taken)
    finally:
        return_lanes(token)
    if clock.elapsed >= conf.RUN_SECONDS and not report.stopped_because:
        report.next_at = turn_of(account, now=clock())
    return report


def turn_of(account: EmailAccount, *, now: dt.datetime) -> dt.datetime:
    """When an account may go on that was sending until its run's time was up."""
    rows = EmailAccount.objects.filter(pk=account.pk)
    return max(now, rows.values_list("next_send_at", flat=True).first() or now)


def sender_is_sound(account: EmailAccount, *, now: dt.datetime) -> bool:
    """A sender that no header can hold stops the account, not each recipient."""
    try:
        for address in filter(None, (account.from_email, account.reply_to)):
            Address.parse(address)
    except InvalidAddress as error:
        detail = Cause.SENDER_INVALID.says(f"{address}: {error}")
        outcome = classify(Phase.MAIL, None, detail=detail)
        saved_at = account.updated_at
        account_failed(account.pk, outcome, detail=detail, now=now, saved_at=saved_at)
        return False
    return True
