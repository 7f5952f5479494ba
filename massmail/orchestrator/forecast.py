"""When a mailing will be finished, account by account."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from massmail.models import (
    Delivery,
    EmailAccount,
    MailingOut,
    MassContact,
    MassmailSettings,
    SendAttempt,
)
from massmail.permissions import main_account, mass_mail_accounts
from massmail.sending.business_time import business_time
from massmail.sending.lanes import lanes_of
from massmail.sending.measured_pace import NEWEST, usual_interval
from massmail.sending.quotas import DAY, HOUR, limits, target_per_day
from massmail.sending.timetable import Growth, Pace, Queue, finish_time
from massmail.sending.warm_up import daily_limit

# A server's usual time for one message on an open connection, until it is measured.
SECONDS_PER_MESSAGE = 0.2
# Random gaps alone do not make a mean that is so much longer than theirs.
SLOWER_THAN_GAPS = 1.2
OPEN = (
    Delivery.Status.QUEUED,
    Delivery.Status.CLAIMED,
    Delivery.Status.SENDING,
)


@dataclass(frozen=True, slots=True)
class AccountForecast:
    """One account's share; `finish_at` None: a person must mend it first."""

    account: EmailAccount
    waiting: int
    finish_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """`finish_at` is that of the last account; None if one of them never finishes."""

    finish_at: dt.datetime | None
    accounts: list[AccountForecast]


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
    ends = [share.finish_at for share in found]
    return Forecast(max(ends) if ends and None not in ends else None, found)


def forecast_account(
    mailing: MailingOut,
    account: EmailAccount,
    waiting: int,
    settings: MassmailSettings,
    now: dt.datetime,
    start: dt.datetime,
) -> AccountForecast:
    if waits_for_person(account):
        return AccountForecast(account, waiting, None)
    begin = max(
        filter(None, (start, account.paused_until, account.next_send_at)), default=start
    )
    queues = queues_of(mailing, account, settings, waiting)
    pace = pace_of(account, settings, begin)
    past = past_attempts(account, now)
    ends = [
        finish_time(pace, queues=queues, start=begin, past=past),
        biggest_domain_ends(mailing, account, settings, waiting, now, begin),
        last_retry_ends(mailing, account, settings, pace, begin),
    ]
    return AccountForecast(account, waiting, None if None in ends else max(ends))


def last_retry_ends(
    mailing: MailingOut,
    account: EmailAccount,
    settings: MassmailSettings,
    pace: Pace,
    begin: dt.datetime,
) -> dt.datetime | None:
    """When who waits the longest for another try has got his mail."""
    later = mailing.deliveries.filter(
        email_account=account, status=Delivery.Status.QUEUED, not_before__gt=begin
    )
    last = later.order_by("-not_before").values_list("not_before", "time_zone").first()
    if last is None:
        return begin
    due, zone = last
    hours = business_time(settings)
    opening = hours.at(zone).next_opening(due) if hours else due
    return opening and opening + pace.reply


def waits_for_person(account: EmailAccount) -> bool:
    """Stopped, or paused by a person without an end."""
    states = EmailAccount.State
    return account.state == states.STOPPED or (
        account.state == states.PAUSED and account.paused_until is None
    )


def pace_of(
    account: EmailAccount, settings: MassmailSettings, begin: dt.datetime
) -> Pace:
    """The gap counts from the beginning of a mail, whose reply comes inside it."""
    gap = (account.min_gap_seconds + account.max_gap_seconds) / 2
    mail_seconds = server_seconds(account, gap)
    return Pace(
        limits=tuple(limits(account, settings)),
        interval_seconds=max(gap, mail_seconds),
        mail_seconds=mail_seconds,
        growth=growth_of(account, settings, begin),
    )


def server_seconds(account: EmailAccount, gap: float) -> float:
    """What its server takes for a message: as lately, as far as gaps let it be seen."""
    answered = SendAttempt.objects.filter(email_account=account)
    answered = answered.exclude(outcome=SendAttempt.Outcome.OPEN)
    newest = answered.order_by("-occurred_at").values_list("occurred_at", flat=True)
    measured = usual_interval(newest[:NEWEST][::-1])
    if measured is not None and measured > SLOWER_THAN_GAPS * gap:
        return measured
    return SECONDS_PER_MESSAGE / lanes_of(account)


def growth_of(
    account: EmailAccount, settings: MassmailSettings, begin: dt.datetime
) -> Growth | None:
    """The warm-up that is not over yet; one that has not begun does so at `begin`."""
    target = target_per_day(account, settings)
    if daily_limit(account, target, begin) >= target:
        return None
    return Growth(
        window=DAY,
        first=account.warm_up_start or 0,
        step=account.warm_up_growth,
        target=target,
        began_at=account.warm_up_began_at or begin,
    )


def biggest_domain_ends(
    mailing: MailingOut,
    account: EmailAccount,
    settings: MassmailSettings,
    waiting: int,
    now: dt.datetime,
    begin: dt.datetime,
) -> dt.datetime | None:
    """When the domain with the most recipients is done, where its hours are capped.

    Its rows alone, at the cap's pace; before a launch, the account's part of them.
    """
    cap = account.per_domain_hour
    domain, count = biggest_domain(mailing, account, waiting)
    if cap is None or not count:
        return begin
    past = SendAttempt.objects.filter(
        email_account=account,
        occurred_at__gte=now - HOUR,
        delivery__address_domain=domain,
    ).order_by("occurred_at")
    return finish_time(
        Pace(limits=((HOUR, cap),), interval_seconds=0.0, mail_seconds=0.0),
        queues=[Queue(count, business_time(settings))],
        start=begin,
        past=list(past.values_list("occurred_at", flat=True)),
    )


def biggest_domain(
    mailing: MailingOut, account: EmailAccount, waiting: int
) -> tuple[str, int]:
    """(domain, its recipients among the account's)."""
    rows = mailing.deliveries.filter(status__in=OPEN)
    own = rows.filter(email_account=account)
    rows = own if own.exists() else rows
    domains = rows.order_by().values_list("address_domain").annotate(count=Count("pk"))
    biggest = domains.order_by("-count").first()
    if biggest is None:
        return "", 0
    return biggest[0], -(-biggest[1] * waiting // rows.count())


def queues_of(
    mailing: MailingOut,
    account: EmailAccount,
    settings: MassmailSettings,
    waiting: int,
) -> list[Queue]:
    """The account's share of the mailing, and what it sends before it.

    By the recipients' clocks there is a queue for each of their time zones.
    """
    hours = business_time(settings)
    mails = waiting + rows_ahead(mailing, account).count()
    if hours is None or not hours.by_recipient:
        return [Queue(mails, hours)]
    rows = mailing.deliveries.filter(status__in=OPEN)
    own = rows.filter(email_account=account)
    zones = by_zone(own if own.exists() else rows)
    zones += by_zone(rows_ahead(mailing, account))
    return [
        Queue(count, hours.at(zone)) for zone, count in in_parts(mails, zones).items()
    ]


def by_zone(rows: QuerySet[Delivery]) -> Counter[str]:
    zones = rows.order_by().values_list("time_zone")
    return Counter(dict(zones.annotate(count=Count("pk"))))


def in_parts(mails: int, weights: Counter[str]) -> dict[str, int]:
    """So many mails in the proportion of the weights; the parts add up to them."""
    parts, seen, given = {}, 0, 0
    for name, weight in sorted(weights.items()):
        seen += weight
        parts[name] = mails * seen // weights.total() - given
        given += parts[name]
    return parts


def past_attempts(account: EmailAccount, now: dt.datetime) -> list[dt.datetime]:
    """Those of the last day, the oldest first: all that any window counts."""
    rows = SendAttempt.objects.filter(
        email_account=account, occurred_at__gte=now - dt.timedelta(hours=24)
    )
    return list(rows.order_by("occurred_at").values_list("occurred_at", flat=True))


def rows_ahead(mailing: MailingOut, account: EmailAccount) -> QuerySet[Delivery]:
    """What the account sends first: mail of its own and mailings launched earlier."""
    running = Q(mailing__status=MailingOut.Status.ACTIVE)
    if mailing.launched_at:
        running &= Q(mailing__launched_at__lt=mailing.launched_at)
    rows = Delivery.objects.filter(email_account=account, status=Delivery.Status.QUEUED)
    return rows.filter(Q(mailing=None) | running).exclude(mailing=mailing)


def waiting_by_account(mailing: MailingOut) -> Counter[int]:
    """Open rows by the account that has them, or will get them at launch."""
    rows = mailing.deliveries.filter(status__in=OPEN).order_by()
    if mailing.launched_at is None:
        return planned_shares(mailing, rows)
    assigned = rows.exclude(email_account=None).values_list("email_account")
    shares = Counter(dict(assigned.annotate(count=Count("pk"))))
    return shares + planned_shares(mailing, rows.filter(email_account=None))


def planned_shares(mailing: MailingOut, rows: QuerySet[Delivery]) -> Counter[int]:
    """The assignment of these rows that a launch would make now."""
    identity = MassContact.objects.filter(pk=OuterRef("mass_contact_id"))
    vip = Exists(identity.filter(is_vip=True))
    shares: Counter[int] = Counter()
    main = EmailAccount.objects.filter(main_account(mailing.owner_id)).first()
    if main:
        shares[main.pk] += rows.filter(vip).count()
    accounts = EmailAccount.objects.filter(mass_mail_accounts(mailing.owner_id))
    others = rows.filter(~vip)
    bound = others.filter(mass_contact__email_account__in=accounts)
    bound_counts = bound.values_list("mass_contact__email_account")
    shares.update(dict(bound_counts.annotate(count=Count("pk"))))
    return shares + in_turn(others.count() - bound.count(), accounts)


def in_turn(rows: int, accounts: Iterable[EmailAccount]) -> Counter[int]:
    everybody = list(accounts)
    working = [a for a in everybody if a.state != EmailAccount.State.STOPPED]
    takers = working or everybody
    return Counter(
        {
            account.pk: len(range(position, rows, len(takers)))
            for position, account in enumerate(takers)
        }
    )
