"""Limits that hold in every sliding window, across workers and restarts."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import QuerySet

from massmail.models import Delivery, EmailAccount, MassmailSettings, SendAttempt
from massmail.sending.warm_up import daily_limit, next_step

MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(hours=24)
EARLIEST = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
LATEST = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Room:
    """How many mails an account may begin now, and else when the next one."""

    count: int
    next_at: dt.datetime | None = None


class Counted:
    """What a run's claims have counted, so that not each counts the whole day anew.

    Attempts are numbered as they are made. In a window there are at most those that
    were used when it was counted (attempts, messages whose reply was awaited, claims),
    those made since, and the claims of now. As long as that is far from a limit,
    nothing has to be counted.
    """

    # A late reply may bring an attempt of long ago back into a window.
    FAR = 0.9

    def __init__(self) -> None:
        self._at: dt.datetime | None = None
        self._number = 0
        self._used: dict[dt.timedelta, int] = {}

    def remember(
        self, now: dt.datetime, number: int, used: dict[dt.timedelta, int]
    ) -> None:
        self._at, self._number, self._used = now, number, used

    def leaves_room(
        self,
        bounds: list[tuple[dt.timedelta, int]],
        more: int,
        number: int,
        now: dt.datetime,
    ) -> bool:
        """Whether `more` surely fit; a clock set back looks at other windows."""
        if self._at is None or now < self._at:
            return False
        made = number - self._number
        return all(
            window in self._used
            and self._used[window] + made + more <= limit * self.FAR
            for window, limit in bounds
        )


def target_per_day(account: EmailAccount, settings: MassmailSettings) -> int:
    """The limit per day when the account is warm."""
    return settings.emails_per_day if account.per_day is None else account.per_day


def limits(
    account: EmailAccount, settings: MassmailSettings
) -> list[tuple[dt.timedelta, int]]:
    """(window, mails) of each limit that the account has when it is warm."""
    per_day = target_per_day(account, settings)
    windows = [(DAY, per_day), (HOUR, account.per_hour), (MINUTE, account.per_minute)]
    return [(window, limit) for window, limit in windows if limit is not None]


def limits_at(
    account: EmailAccount, settings: MassmailSettings, now: dt.datetime
) -> list[tuple[dt.timedelta, int]]:
    """The same as long as the account warms up."""
    return [
        (window, daily_limit(account, limit, now) if window == DAY else limit)
        for window, limit in limits(account, settings)
    ]


def room(
    account: EmailAccount,
    settings: MassmailSettings,
    *,
    now: dt.datetime,
    wanted: int,
    counted: Counted | None = None,
) -> Room:
    """At most `wanted`; call it under the account's row lock before a claim.

    Attempts in the window + rows claimed by anybody + new ones ≤ limit. An attempt
    in the future (a clock that was set back) counts, too, and so does an older one
    as long as its reply is awaited: the server may accept it only now.
    """
    # Claims first: a row that turns into an attempt meanwhile is counted twice, the
    # other order would count it never.
    claims = claimed_rows(account).count()
    bounds = limits_at(account, settings, now)
    number = latest_number() if counted else 0
    if counted and counted.leaves_room(bounds, claims + wanted, number, now):
        return Room(wanted)
    count, next_at, all_used = wanted, now, {}
    for window, limit in bounds:
        ours = claims + open_since_before(account, now - window)
        used = all_used[window] = attempts_since(account, now - window, limit) + ours
        count = min(count, limit - used)
        if used >= limit:
            frees_at = window_frees(account, now, window, limit - ours)
            if window == DAY:
                frees_at = min(
                    filter(None, (frees_at, grows_at(account, settings, now)))
                )
            next_at = max(next_at, frees_at)
    if counted:
        counted.remember(now, number, all_used)
    return Room(max(count, 0), next_at if count <= 0 else None)


def latest_number() -> int:
    """That of the latest attempt of all accounts."""
    numbers = SendAttempt.objects.order_by("-pk").values_list("pk", flat=True)
    return numbers.first() or 0


def grows_at(
    account: EmailAccount, settings: MassmailSettings, now: dt.datetime
) -> dt.datetime | None:
    """When the limit per day gives way by growing."""
    return next_step(account, target_per_day(account, settings), now)


def claimed_rows(account: EmailAccount) -> QuerySet[Delivery]:
    return Delivery.objects.filter(
        email_account=account, status=Delivery.Status.CLAIMED
    )


def attempts_since(account: EmailAccount, since: dt.datetime, limit: int) -> int:
    """The number of attempts, as far as it matters: never counts past `limit`."""
    rows = SendAttempt.objects.filter(email_account=account, occurred_at__gte=since)
    return rows.order_by()[:limit].count()


def open_since_before(account: EmailAccount, since: dt.datetime) -> int:
    """Messages handed over before `since` that the server has not answered yet."""
    return unanswered(account).filter(sending_at__lt=since).count()


def unanswered(account: EmailAccount) -> QuerySet[Delivery]:
    return Delivery.objects.filter(
        email_account=account,
        status=Delivery.Status.SENDING,
        # They all have one. It leads to the few rows of `delivery_leases`; PostgreSQL
        # reads the whole ledger if it is only "not null" and there are no statistics.
        lease_until__gt=EARLIEST,
        lease_until__lt=LATEST,
    )


def window_frees(
    account: EmailAccount, now: dt.datetime, window: dt.timedelta, places: int
) -> dt.datetime:
    """When the oldest of the newest `places` attempts leaves the window.

    Those that are claimed now take the other places; without any left, the first
    of them has to leave.
    """
    if places <= 0:
        return now + window
    newest_first = SendAttempt.objects.filter(email_account=account).order_by(
        "-occurred_at"
    )
    filling = newest_first.values_list("occurred_at", flat=True)[places - 1]
    return filling + window + dt.timedelta(microseconds=1)
