"""What became of the demo's mailing, counted from the ledger and from the catcher."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Count, Max, Min, QuerySet
from django.utils import timezone

from common.utils.helpers import chunked
from crm.demo.catcher.store import MailReader
from massmail.models import Delivery, MailingOut
from massmail.models.delivery_states import OPEN_STATUSES
from massmail.reports.ledger import check_ledger

CHUNK = 500


@dataclass(frozen=True, slots=True)
class Summary:
    """`skipped` by reason, `accounts` the number of mails by account.

    `seconds` are from the first hand-over to the last reply. `problems` say what is
    wrong; without any the demo has done its job.
    """

    recipients: int
    counts: dict[str, int]
    skipped: dict[str, int]
    accounts: dict[str, int]
    caught: int
    seconds: float
    problems: list[str]

    @property
    def messages_per_second(self) -> float:
        return self.counts["sent"] / self.seconds if self.seconds else 0.0

    def lines(self) -> Iterator[str]:
        """The table that the command prints."""
        yield row("Recipients", self.recipients)
        yield row("  sent", self.counts["sent"])
        for account, count in self.accounts.items():
            yield row(f"    through {account}", count)
        yield row("  skipped", self.counts["skipped"])
        for reason, count in self.skipped.items():
            yield row(f"    {reason}", count)
        yield row("  failed", self.counts["failed"])
        yield row("  uncertain", self.counts["uncertain"])
        yield row("Seconds", f"{self.seconds:.1f}")
        yield row("Messages per second", f"{self.messages_per_second:.0f}")
        yield row("Mails in the catcher", self.caught)


def row(name: str, value: object) -> str:
    return f"{name:<42}{value:>10}"


def summarize(mailing: MailingOut, catcher: MailReader) -> Summary:
    """Count; the catcher must hold what was sent, and nothing else."""
    mailing.refresh_from_db()
    rows = Delivery.objects.filter(mailing=mailing)
    counts = mailing.counts()
    return Summary(
        recipients=mailing.recipients_count,
        counts=counts,
        skipped=skipped_by_reason(rows),
        accounts=sent_by_account(rows),
        caught=catcher.count(),
        seconds=seconds_of_sending(rows),
        problems=[
            *unfinished(mailing, counts),
            *differences(Delivery.objects.filter(status="sent"), catcher),
            *(
                f"Ledger: {found.check}, {found.count} rows"
                for found in check_ledger(timezone.now())
            ),
        ],
    )


def skipped_by_reason(rows: QuerySet[Delivery]) -> dict[str, int]:
    found = (
        rows.filter(status=Delivery.Status.SKIPPED)
        .values_list("reason")
        .annotate(count=Count("pk"))
        .order_by("-count", "reason")
    )
    return {str(Delivery.SkipReason(reason).label): count for reason, count in found}


def sent_by_account(rows: QuerySet[Delivery]) -> dict[str, int]:
    found = (
        rows.filter(status=Delivery.Status.SENT)
        .values_list("email_account__name")
        .annotate(count=Count("pk"))
        .order_by("-count")
    )
    return dict(found)


def seconds_of_sending(rows: QuerySet[Delivery]) -> float:
    times = rows.filter(status=Delivery.Status.SENT).aggregate(
        first=Min("sending_at"), last=Max("sent_at")
    )
    if times["first"] is None:
        return 0.0
    return max(
        times["last"] - times["first"], dt.timedelta(milliseconds=1)
    ).total_seconds()


def unfinished(mailing: MailingOut, counts: dict[str, int]) -> Iterator[str]:
    """Promise 2: every recipient has one row, and every row is final."""
    if mailing.recipients_count != sum(counts.values()):
        yield f"{mailing.recipients_count} recipients, {sum(counts.values())} rows"
    for status in OPEN_STATUSES:
        if counts[status]:
            yield f"{counts[status]} recipients are not final: {status.label}"


def differences(sent: QuerySet[Delivery], catcher: MailReader) -> Iterator[str]:
    """Compare by Message-ID; what is in the catcher besides shows in the sum."""
    missing = double = count = 0
    message_ids = sent.order_by("pk").values_list("message_id", flat=True)
    for chunk in chunked(message_ids.iterator(), CHUNK):
        copies = catcher.copies(chunk)
        count += len(chunk)
        missing += len(chunk) - len(copies)
        double += sum(number > 1 for number in copies.values())
    if missing:
        yield f"{missing} sent mails are not in the catcher"
    if double:
        yield f"{double} mails came more than once"
    if (caught := catcher.count()) != count:
        yield f"The catcher holds {caught} mails, {count} were sent"
