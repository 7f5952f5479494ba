"""Mails that leave an account one after the other: how many, and at what pace."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, QuerySet

from massmail.models import (
    Delivery,
    EmailAccount,
    MailingOut,
    MassmailSettings,
    SendAttempt,
)
from massmail.models.mailing_out import SENDING_STATUSES
from massmail.orchestrator.shares import OPEN
from massmail.sending.business_time import business_time
from massmail.sending.lanes import lanes_of
from massmail.sending.measured_pace import NEWEST, usual_interval
from massmail.sending.quotas import DAY, HOUR, limits, target_per_day
from massmail.sending.timetable import Growth, Pace, Queue, begun_before, finish_time
from massmail.sending.warm_up import daily_limit

# A server's usual time for one message on an open connection, until it is measured.
SECONDS_PER_MESSAGE = 0.2
# Random gaps alone do not make a mean that is so much longer than theirs.
SLOWER_THAN_GAPS = 1.2


@dataclass(frozen=True, slots=True)
class Line:
    """Mails that leave one after the other, the oldest mailings' first."""

    pace: Pace
    queues: Sequence[Queue]
    start: dt.datetime
    past: Sequence[dt.datetime]

    def finish_at(self) -> dt.datetime | None:
        return finish_time(
            self.pace, queues=self.queues, start=self.start, past=self.past
        )

    def left_at(self, end: dt.datetime) -> int:
        """How many have not begun by then."""
        begun = begun_before(
            end, self.pace, queues=self.queues, start=self.start, past=self.past
        )
        return sum(queue.mails for queue in self.queues) - begun


def account_line(
    mailing: MailingOut,
    account: EmailAccount,
    settings: MassmailSettings,
    waiting: int,
    now: dt.datetime,
    begin: dt.datetime,
) -> Line:
    queues = queues_of(mailing, account, settings, waiting)
    past = past_attempts(account, now)
    return Line(pace_of(account, settings, begin), queues, begin, past)


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
    ahead = rows_ahead(mailing, account)
    mails = waiting + sum(rows.count() for rows in ahead)
    if hours is None or not hours.by_recipient:
        return [Queue(mails, hours)]
    rows = mailing.deliveries.filter(status__in=OPEN)
    own = rows.filter(email_account=account)
    zones = by_zone(own if own.exists() else rows)
    for others in ahead:
        zones += by_zone(others)
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


def rows_ahead(mailing: MailingOut, account: EmailAccount) -> list[QuerySet[Delivery]]:
    """What the account sends first: mail of its own, and mailings launched earlier.

    Apart, and the few mailings by name: so the queue's index finds their rows, however
    many a draft has.
    """
    others = MailingOut.objects.filter(status__in=SENDING_STATUSES, stop_reason="")
    if mailing.launched_at:
        others = others.filter(launched_at__lt=mailing.launched_at)
    ids = list(others.exclude(pk=mailing.pk).values_list("pk", flat=True))
    rows = Delivery.objects.filter(email_account=account, status=Delivery.Status.QUEUED)
    return [rows.filter(mailing=None), rows.filter(mailing__in=ids)]


def past_attempts(account: EmailAccount, now: dt.datetime) -> list[dt.datetime]:
    """Those of the last day, the oldest first: all that any window counts."""
    rows = SendAttempt.objects.filter(
        email_account=account, occurred_at__gte=now - dt.timedelta(hours=24)
    )
    return list(rows.order_by("occurred_at").values_list("occurred_at", flat=True))


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
    measured = usual_interval(list(newest[:NEWEST])[::-1])
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


def biggest_domain_line(
    mailing: MailingOut,
    account: EmailAccount,
    settings: MassmailSettings,
    waiting: int,
    now: dt.datetime,
    begin: dt.datetime,
) -> Line:
    """The domain with the most recipients, where its hours are capped.

    Its rows alone, at the cap's pace; before a launch, the account's part of them.
    """
    cap = account.per_domain_hour
    domain, count = (
        ("", 0) if cap is None else biggest_domain(mailing, account, waiting)
    )
    past = SendAttempt.objects.filter(
        email_account=account,
        occurred_at__gte=now - HOUR,
        delivery__address_domain=domain,
    ).order_by("occurred_at")
    return Line(
        Pace(limits=((HOUR, cap or 0),), interval_seconds=0.0, mail_seconds=0.0),
        queues=[Queue(count, business_time(settings))],
        start=begin,
        past=list(past.values_list("occurred_at", flat=True)) if count else [],
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
