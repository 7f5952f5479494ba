"""A mailing as plain data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from massmail.models import MailingOut
from massmail.reports.returns import returned_counts


def mailing_status(mailing: MailingOut) -> dict[str, Any]:
    """JSON-ready: identity, status, counts by state, by reason of those skipped, and of
    recipients by what came back from them."""
    return {
        "id": mailing.pk,
        "name": mailing.name,
        "status": mailing.status,
        "status_text": mailing.get_status_display(),
        "stop_reason": mailing.stop_reason,
        "recipients_count": mailing.recipients_count,
        "counts": mailing.counts(),
        "skipped": mailing.skip_counts(),
        "returned": returned_counts(mailing),
        "launched_at": iso(mailing.launched_at),
        "finished_at": iso(mailing.finished_at),
    }


def recipients(mailing: MailingOut) -> Iterator[dict[str, Any]]:
    """Each row of the mailing, without loading them all."""
    rows = mailing.deliveries.select_related("email_account").order_by("pk")
    for row in rows.iterator(chunk_size=2000):
        yield {
            "address": row.address,
            "name": row.name,
            "object_id": row.object_id,
            "status": row.status,
            "reason": row.reason,
            "attempts": row.attempts,
            "message_id": row.message_id,
            "account": row.given_account.from_email if row.given_account else None,
            "smtp_code": row.smtp_code,
            "smtp_enhanced": row.smtp_enhanced,
            "smtp_text": row.smtp_text,
            "not_before": iso(row.not_before),
            "sent_at": iso(row.sent_at),
        }


def iso(moment: Any) -> str | None:
    return moment.isoformat() if moment else None
