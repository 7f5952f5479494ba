"""At most so many messages an hour to the addresses of one domain.

Rows beyond the cap are put off to the moments at which their turn comes, so that they
do not stand in the way of others, and say what they wait for.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from django.db.models import Count, QuerySet

from massmail.models import Delivery, EmailAccount, SendAttempt
from massmail.models.delivery_states import DOMAIN_LIMIT
from massmail.sending.quotas import claimed_rows, unanswered

HOUR = dt.timedelta(hours=1)
TICK = dt.timedelta(microseconds=1)


class DomainCaps:
    """The caps of one claim; made under the account's row lock, so that what is
    counted cannot change."""

    def __init__(self, account: EmailAccount, now: dt.datetime) -> None:
        self._account = account
        self._now = now
        # Chosen in this claim, by domain.
        self._taken: Counter[str] = Counter()

    def count_in(self, ids: list[int]) -> None:
        """Chosen in this claim before, by no cap: mail without a mailing."""
        if ids and self._account.per_domain_hour is not None:
            rows = Delivery.objects.filter(pk__in=ids).order_by()
            self._taken.update(by_domain(rows, "address_domain"))

    def fitting(self, ids: list[int]) -> list[int]:
        """Those that may go now, in the same order; the others are put off."""
        cap = self._account.per_domain_hour
        if cap is None:
            return ids
        room, over = self._room_in(ids, cap), defaultdict(list)
        fit: list[int] = []
        for pk, domain in self._domains(ids):
            if room(domain) > 0:
                self._taken[domain] += 1
                fit.append(pk)
            else:
                over[domain].append(pk)
        self._put_off(over, cap)
        return fit

    def clear_the_way(self, ids: list[int]) -> None:
        """Put off those of full domains; the others are left as they are."""
        cap = self._account.per_domain_hour
        if cap is None:
            return
        room, over = self._room_in(ids, cap), defaultdict(list)
        for pk, domain in self._domains(ids):
            if room(domain) <= 0:
                over[domain].append(pk)
        self._put_off(over, cap)

    def _domains(self, ids: list[int]) -> list[tuple[int, str]]:
        """In the order of the ids."""
        rows = Delivery.objects.filter(pk__in=ids)
        domain_of = dict(rows.values_list("pk", "address_domain"))
        return [(pk, domain_of.get(pk, "")) for pk in ids]

    def _room_in(self, ids: list[int], cap: int) -> Callable[[str], float]:
        """How many more a domain may get now; without a domain, any number."""
        domains = {domain for _pk, domain in self._domains(ids)}
        used = in_the_last_hour(self._account, domains, self._now)

        def room(domain: str) -> float:
            return cap - used[domain] - self._taken[domain] if domain else math.inf

        return room

    def _put_off(self, over: dict[str, list[int]], cap: int) -> None:
        """A row beyond the cap follows the one that is `cap` before it by an hour."""
        moments: dict[int, dt.datetime] = {}
        for domain, ids in over.items():
            turns = latest_turns(self._account, domain, cap, self._now)
            turns = sorted(turns + [self._now] * self._taken[domain])
            for pk in ids:
                moments[pk] = max(turns[-cap] + HOUR, self._now) + TICK
                turns.append(moments[pk])
        Delivery.objects.put_off(moments, reason=DOMAIN_LIMIT)


def in_the_last_hour(
    account: EmailAccount, domains: set[str], now: dt.datetime
) -> Counter[str]:
    """Attempts and claims of the account by domain.

    Claims are counted first, as for the other limits; a message whose reply is awaited
    for longer than an hour may still be accepted now.
    """
    claimed = claimed_rows(account).filter(address_domain__in=domains)
    waiting = unanswered(account).filter(
        address_domain__in=domains, sending_at__lt=now - HOUR
    )
    attempts = SendAttempt.objects.filter(
        email_account=account,
        occurred_at__gte=now - HOUR,
        delivery__address_domain__in=domains,
    ).order_by()
    counted = Counter(by_domain(claimed.order_by(), "address_domain"))
    counted.update(by_domain(waiting.order_by(), "address_domain"))
    counted.update(by_domain(attempts, "delivery__address_domain"))
    return counted


def by_domain(rows: QuerySet[Any], path: str) -> dict[str, int]:
    return dict(rows.values_list(path).annotate(Count("pk")))


def latest_turns(
    account: EmailAccount, domain: str, cap: int, now: dt.datetime
) -> list[dt.datetime]:
    """The last `cap` moments that are taken, the oldest first: sent or going.

    Not those of rows that were put off before: they come when they can, and who holds
    a place for them would leave it empty whenever one comes late.
    """
    going = sum(
        rows.filter(address_domain=domain).count()
        for rows in (claimed_rows(account), unanswered(account))
    )
    turns = [now] * min(going, cap)
    attempts = SendAttempt.objects.filter(
        email_account=account,
        delivery__address_domain=domain,
        occurred_at__gte=now - HOUR,
    ).order_by("-occurred_at")
    turns += attempts.values_list("occurred_at", flat=True)[:cap]
    return sorted([now - HOUR] * cap + turns)[-cap:]
