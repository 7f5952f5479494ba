"""Numbers of a large mailing, counted once for all who watch it.

To count a million rows takes PostgreSQL a tenth of a second and more, for each viewer
and each refresh of a page.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

from django.core.cache import cache

from massmail.models import MailingOut
from massmail.reports.statistics import counts_by_state

logger = logging.getLogger(__name__)

# Recipients of a mailing whose numbers are kept; others are counted in no time.
MANY = 100_000
SECONDS = 5

Counts = dict[str, int]
Answer = TypeVar("Answer")


def recent_counts(mailings: Iterable[MailingOut]) -> dict[int, Counts]:
    """As `counts_by_state`, of large launched mailings as they were lately.

    What is decided about a whole mailing (a pause, a stop, its end) is seen at once.
    """
    return counted_lately(
        mailings,
        counts_by_state,
        lambda mailing: key_of(mailing) if is_large(mailing) else None,
    )


def counted_lately(
    mailings: Iterable[MailingOut],
    count: Callable[[list[MailingOut]], dict[int, Counts]],
    key: Callable[[MailingOut], str | None],
) -> dict[int, Counts]:
    """What `count` finds, or lately found where there is a key to keep it under."""
    mailings = list(mailings)
    keys = {mailing.pk: found for mailing in mailings if (found := key(mailing))}
    lately = kept_counts(keys.values())
    kept = {pk: lately[name] for pk, name in keys.items() if name in lately}
    counts = count([one for one in mailings if one.pk not in kept])
    keep({name: counts[pk] for pk, name in keys.items() if pk in counts})
    return counts | kept


def is_large(mailing: MailingOut) -> bool:
    """And not done: then it has its totals."""
    is_launched = mailing.launched_at is not None and mailing.totals is None
    return is_launched and mailing.recipients_count >= MANY


def key_of(mailing: MailingOut) -> str:
    stop = mailing.stop_reason or "-"
    return f"massmail-counts-{mailing.pk}-{mailing.status}-{stop}"


def kept_counts(keys: Iterable[str]) -> dict[str, Counts]:
    keys = list(keys)
    return carefully(lambda: cache.get_many(keys)) or {} if keys else {}


def keep(counts: dict[str, Counts]) -> None:
    if counts:
        carefully(lambda: cache.set_many(counts, SECONDS))


def carefully(ask: Callable[[], Answer]) -> Answer | None:
    """Whatever a host's cache raises: a page must not fail at it."""
    try:
        return ask()
    except Exception:
        logger.exception("The cache does not keep the numbers of mailings")
        return None
