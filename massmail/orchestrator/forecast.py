"""When a mailing will be finished, account by account."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils import timezone

from massmail.models import Delivery, EmailAccount, MailingOut, MassmailSettings
from massmail.orchestrator.lines import account_line, biggest_domain_line
from massmail.orchestrator.shares import waiting_by_account
from massmail.sending.business_time import business_time
from massmail.sending.timetable import Pace


@dataclass(frozen=True, slots=True)
class AccountForecast:
    """One account's share; `finish_at` None: a person must mend it first.

    `too_late` of those who wait are not mailed before the mailing expires.
    """

    account: EmailAccount
    waiting: int
    finish_at: dt.datetime | None
    too_late: int = 0


@dataclass(frozen=True, slots=True)
class Forecast:
    """`finish_at` is that of the last account; None if one of them never finishes."""

    finish_at: dt.datetime | None
    accounts: list[AccountForecast]

    @property
    def too_late(self) -> int:
        return sum(share.too_late for share in self.accounts)


def forecast(mailing: MailingOut, *, now: dt.datetime | None = None) -> Forecast:
    """For drafts as if they were launched at `now`."""
    moment = now or timezone.now()
    start = max(moment, mailing.start_at or moment)
    settings = MassmailSettings.load()
    shares = waiting_by_account(mailing)
    accounts = EmailAccount.objects.filter(pk__in=shares).order_by("pk")
    found = [
        forecast_account(mailing, account, shares[account.pk], settings, moment, start)
        for account in accounts
    ]
    return Forecast(last_of([share.finish_at for share in found]), found)


def forecast_account(
    mailing: MailingOut,
    account: EmailAccount,
    waiting: int,
    settings: MassmailSettings,
    now: dt.datetime,
    start: dt.datetime,
) -> AccountForecast:
    end = mailing.expires_at
    if waits_for_person(account):
        return AccountForecast(account, waiting, None, waiting if end else 0)
    begin = max(
        filter(None, (start, account.paused_until, account.next_send_at)), default=start
    )
    line = account_line(mailing, account, settings, waiting, now, begin)
    domain = biggest_domain_line(mailing, account, settings, waiting, now, begin)
    ends = [
        line.finish_at(),
        domain.finish_at(),
        last_retry_ends(mailing, account, settings, line.pace, begin),
    ]
    finish = last_of(ends)
    if end is None or (finish and finish <= end):
        return AccountForecast(account, waiting, finish)
    left = [line.left_at(end), domain.left_at(end), retries_from(end, mailing, account)]
    too_late = min(waiting, max(left))
    return AccountForecast(account, waiting, finish and max(now, end), too_late)


def last_of(ends: list[dt.datetime | None]) -> dt.datetime | None:
    """None if there is none, or one of them never comes."""
    known = [end for end in ends if end]
    return max(known) if known and len(known) == len(ends) else None


def last_retry_ends(
    mailing: MailingOut,
    account: EmailAccount,
    settings: MassmailSettings,
    pace: Pace,
    begin: dt.datetime,
) -> dt.datetime | None:
    """When who waits the longest for another try has got his mail."""
    rows = queued(mailing, account).filter(not_before__gt=begin)
    last = rows.order_by("-not_before").values_list("not_before", "time_zone").first()
    if last is None:
        return begin
    due, zone = last
    hours = business_time(settings)
    opening = hours.at(zone).next_opening(due) if hours else due
    return opening and opening + pace.reply


def retries_from(
    moment: dt.datetime, mailing: MailingOut, account: EmailAccount
) -> int:
    return queued(mailing, account).filter(not_before__gte=moment).count()


def queued(mailing: MailingOut, account: EmailAccount) -> QuerySet[Delivery]:
    return mailing.deliveries.filter(
        email_account=account, status=Delivery.Status.QUEUED
    )


def waits_for_person(account: EmailAccount) -> bool:
    """Stopped, or paused by a person without an end."""
    states = EmailAccount.State
    return account.state == states.STOPPED or (
        account.state == states.PAUSED and account.paused_until is None
    )
