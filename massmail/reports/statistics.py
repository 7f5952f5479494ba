"""Numbers of mailings, counted from the rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate

from django.db.models import Count, TextChoices
from django.utils.translation import gettext_lazy as _

from massmail.models import Delivery, MailingOut

Status = Delivery.Status
# The bar's length in its own units, and the least of them that can be seen.
BAR_LENGTH = 1000
BAR_LEAST = 6


class Group(TextChoices):
    """What a manager wants to tell apart; each state belongs to one."""

    SENT = "sent", _("sent")
    WAITING = "waiting", _("waiting")
    SKIPPED = "skipped", _("not mailed")
    FAILED = "failed", _("failed")
    UNCERTAIN = "uncertain", _("uncertain")


STATES: dict[Group, tuple[str, ...]] = {
    Group.SENT: (Status.SENT,),
    Group.WAITING: (Status.QUEUED, Status.CLAIMED, Status.SENDING),
    Group.SKIPPED: (Status.SKIPPED,),
    Group.FAILED: (Status.FAILED,),
    Group.UNCERTAIN: (Status.UNCERTAIN,),
}
# From left to right: what is settled comes first, what is still to do last.
BAR_ORDER = (Group.SENT, Group.SKIPPED, Group.FAILED, Group.UNCERTAIN, Group.WAITING)
SETTLED = (Group.SENT, Group.SKIPPED, Group.FAILED)
# Each of one state, whose rows have reasons.
EXPLAINED = {
    Group.SKIPPED: Status.SKIPPED,
    Group.FAILED: Status.FAILED,
    Group.UNCERTAIN: Status.UNCERTAIN,
}


@dataclass(frozen=True)
class Segment:
    """A piece of the bar, in units of `BAR_LENGTH`."""

    group: Group
    start: int
    length: int


@dataclass(frozen=True)
class Progress:
    """How far a mailing is."""

    counts: Mapping[str, int]

    @property
    def groups(self) -> dict[Group, int]:
        return {
            group: sum(self.counts[state] for state in states)
            for group, states in STATES.items()
        }

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def percent(self) -> int:
        """Of the rows that need nobody any more; 100 only when that is all."""
        settled = sum(self.groups[group] for group in SETTLED)
        return 100 * settled // self.total if self.total else 0

    @property
    def bar(self) -> list[Segment]:
        """All groups, those without rows with length 0; together the whole bar."""
        groups = self.groups
        lengths = shares([groups[group] for group in BAR_ORDER])
        starts = accumulate(lengths, initial=0)
        return [
            Segment(group, start, length)
            for group, start, length in zip(BAR_ORDER, starts, lengths, strict=False)
        ]


def shares(counts: list[int]) -> list[int]:
    """Lengths that add up to the bar; a single row among 100,000 is seen, too."""
    total = sum(counts)
    if not total:
        return [0] * len(counts)
    lengths = [
        max(BAR_LENGTH * count // total, BAR_LEAST) if count else 0 for count in counts
    ]
    longest = lengths.index(max(lengths))
    lengths[longest] += BAR_LENGTH - sum(lengths)
    return lengths


def counts_by_state(mailings: Iterable[MailingOut]) -> dict[int, dict[str, int]]:
    """{mailing id: {status: rows}}, every status named; one query for all of them.

    Mailings that are done bring their stored totals.
    """
    mailings = list(mailings)
    counts = {mailing.pk: no_rows() | (mailing.totals or {}) for mailing in mailings}
    live = [mailing.pk for mailing in mailings if mailing.totals is None]
    return counts | MailingOut.objects.filter(pk__in=live).row_counts()


def no_rows() -> dict[str, int]:
    return dict.fromkeys(Delivery.Status.values, 0)


def progress_of(mailing: MailingOut) -> Progress:
    return Progress(counts_by_state([mailing])[mailing.pk])


def reason_counts(
    mailing: MailingOut, progress: Progress
) -> dict[Group, list[tuple[str, int]]]:
    """Why rows of a group are where they are: (reason, rows), the most first.

    One query for all groups, along the index of reasons; rows without one, which it
    does not hold, are what is missing from a group's number.
    """
    rows = mailing.deliveries.filter(status__in=EXPLAINED.values()).exclude(reason="")
    counted = rows.order_by().values_list("status", "reason").annotate(count=Count("*"))
    counts: dict[str, dict[str, int]] = {state: {} for state in EXPLAINED.values()}
    for state, reason, count in counted:
        counts[state][reason] = count
    for group, state in EXPLAINED.items():
        counts[state][""] = progress.groups[group] - sum(counts[state].values())
    return {group: most_first(counts[state]) for group, state in EXPLAINED.items()}


def most_first(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    found = [(reason, count) for reason, count in counts.items() if count > 0]
    return sorted(found, key=lambda entry: (-entry[1], entry[0]))
