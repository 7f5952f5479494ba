"""What the explanations of one page have in common, asked for once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter

from django.utils import timezone
from django.utils.translation import gettext as _

from massmail.models import (
    AccountLane,
    Delivery,
    EmailAccount,
    Heartbeat,
    MailingOut,
    MassmailSettings,
)
from massmail.models.first_of_zones import Pair, first_of_zones
from massmail.reports.pace import waiting_accounts
from massmail.sending.quotas import Room, room


@dataclass(frozen=True, slots=True)
class Explanation:
    """`reason` is a sentence for the manager; `next_at` None: a person must act, or
    nothing is left to do."""

    reason: str
    next_at: dt.datetime | None = None


class Circumstances:
    """Those of some mailings in one moment: settings, accounts, limits, the worker.

    Not to be kept: what was asked for once is not asked for again.
    """

    def __init__(
        self, mailings: Collection[int] = (), now: dt.datetime | None = None
    ) -> None:
        self.now = now or timezone.now()
        self._mailings = mailings
        self._rooms: dict[tuple[int, dt.datetime], Room] = {}

    @cached_property
    def settings(self) -> MassmailSettings:
        return MassmailSettings.load()

    @cached_property
    def silent_worker(self) -> Explanation | None:
        return of_worker(self.now)

    @cached_property
    def accounts(self) -> dict[int, list[EmailAccount]]:
        """By mailing, through which its waiting rows leave."""
        return waiting_accounts(self._mailings)

    def accounts_of(self, mailing: MailingOut) -> list[EmailAccount]:
        return sorted(self.accounts.get(mailing.pk, ()), key=attrgetter("pk"))

    def firsts_of(
        self, mailing: MailingOut, account: EmailAccount | None = None
    ) -> list[Delivery]:
        """Of its waiting rows, or the account's among them; see `first_of_zones`."""
        accounts = [account] if account else self.accounts_of(mailing)
        return [row for one in accounts for row in self._firsts[one.pk, mailing.pk]]

    @cached_property
    def _firsts(self) -> dict[Pair, list[Delivery]]:
        return first_of_zones(
            (account.pk, mailing)
            for mailing, accounts in self.accounts.items()
            for account in accounts
        )

    def room(self, account: EmailAccount, moment: dt.datetime) -> Room:
        """Whether the account may begin one more mail then."""
        key = account.pk, moment
        if key not in self._rooms:
            self._rooms[key] = room(account, self.settings, now=moment, wanted=1)
        return self._rooms[key]


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
