"""What a launch would do now: who is mailed, who is skipped and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db.models import Count, Q, QuerySet

from common.postgresql import without_compiling
from massmail.audience.assignment import have_account
from massmail.content.findings import Finding
from massmail.content.template_engine import STANDARD_VARIABLES
from massmail.models import Delivery, MailingOut
from massmail.orchestrator.launch_checks import values_missing
from massmail.orchestrator.preflight import (
    TROUBLE,
    compiled_for,
    findings,
    required_variables,
    trouble_in_words,
)
from massmail.permissions import ExistsForEach, first_reason
from massmail.recipients.registry import source_for

SkipReason = Delivery.SkipReason
CHUNK = 500


@dataclass(frozen=True)
class Incomplete:
    """A recipient who would be skipped, and the variables that are empty for him."""

    delivery: Delivery
    missing: list[str]


@dataclass(frozen=True)
class LaunchPlan:
    """`error`: the message cannot be compiled; then nothing is known of values.

    `to_skip` counts by reason the rows that wait now and would not be mailed.
    """

    to_mail: int
    to_skip: Counter[str]
    incomplete: list[Incomplete]
    findings: list[Finding] = field(default_factory=list)
    error: str = ""

    @property
    def blocking(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.level == "blocking"]

    @property
    def warnings(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.level == "warning"]

    @property
    def notes(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.level == "note"]

    @property
    def may_be_overridden(self) -> bool:
        return not self.error and all(found.overridable for found in self.blocking)


def launch_plan(
    mailing: MailingOut, *, examples: int = 20, with_recipients: bool = True
) -> LaunchPlan:
    """At most `examples` of the recipients whose values are missing are named.

    Without the recipients only the message is checked, and all that wait are counted
    as `to_mail`.
    """
    try:
        found, error = findings(mailing), ""
    except TROUBLE as trouble:
        found, error = [], trouble_in_words(trouble)
    if not with_recipients:
        waiting = mailing.counts()[Delivery.Status.QUEUED]
        return LaunchPlan(waiting, Counter(), [], findings=found, error=error)
    rows = rows_with_reason(mailing, values_are_known=not error)
    with without_compiling():
        counts = Counter(dict(rows.values_list("why").annotate(count=Count("pk"))))
    to_mail = counts.pop("", 0)
    # A second pass over all rows, so only where it finds some.
    incomplete = rows.none()
    if counts[SkipReason.MISSING_VALUE]:
        incomplete = rows.filter(why=SkipReason.MISSING_VALUE).order_by("pk")
    return LaunchPlan(
        to_mail=to_mail,
        to_skip=counts,
        incomplete=with_missing_names(mailing, list(incomplete[:examples])),
        findings=found,
        error=error,
    )


def all_incomplete(mailing: MailingOut) -> Iterator[Incomplete]:
    """Everybody whose values are missing, by and by; raises one of `TROUBLE`."""
    rows = rows_with_reason(mailing, values_are_known=True).order_by("pk")
    rows = rows.filter(why=SkipReason.MISSING_VALUE)
    last = 0
    while chunk := list(rows.filter(pk__gt=last)[:CHUNK]):
        last = chunk[-1].pk
        yield from with_missing_names(mailing, chunk)


def rows_with_reason(mailing: MailingOut, *, values_are_known: bool) -> QuerySet:
    """Waiting rows; `why` is the reason for which a launch would skip them, or "".

    One pass over the rows, with the conditions and in the order of the launch.
    """
    paths = required_variables(mailing) if values_are_known else []
    more = [
        *values_missing(mailing, paths, ExistsForEach),
        (SkipReason.NO_ACCOUNT, ~Q(have_account(mailing, ExistsForEach))),
    ]
    rows = Delivery.objects.filter(mailing=mailing, status=Delivery.Status.QUEUED)
    return rows.order_by().annotate(why=first_reason(mailing, more, ExistsForEach))


def with_missing_names(mailing: MailingOut, rows: list[Delivery]) -> list[Incomplete]:
    if not rows:
        return []
    source = source_for(mailing.content_type)
    required = compiled_for(mailing).required_variables - set(STANDARD_VARIABLES)
    records = source.recipients(source.pk_of(row.object_id) for row in rows)
    return [
        Incomplete(
            row,
            [
                name
                for name in sorted(required & source.variables.keys())
                if not str(records[row.object_id].variables[name] or "").strip()
            ],
        )
        for row in rows
        if row.object_id in records
    ]
