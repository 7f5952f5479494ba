"""Which mails of a mailbox may be ours; the others are not read any further."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from massmail.inbound.summary import Summary
from massmail.models import Delivery
from massmail.tracking.mail_requests import WORD


def ours(summaries: Sequence[Summary]) -> list[Summary]:
    """What a machine wrote, what asks to unsubscribe, answers to mails of ours and
    copies of them.

    One query, however many they are: a batch is small.
    """
    named = set(chain.from_iterable(summary.names for summary in summaries))
    known = set(
        Delivery.objects.filter(message_id__in=named)
        .exclude(message_id="")
        .values_list("message_id", flat=True)
        if named
        else ()
    )
    return [
        summary
        for summary in summaries
        if summary.is_automatic or summary.names & known or is_request(summary)
    ]


def is_request(summary: Summary) -> bool:
    return WORD in summary.subject.lower()
