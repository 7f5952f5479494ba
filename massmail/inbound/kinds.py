"""What a mail that came back can be, and what one is; pure."""

from __future__ import annotations

import re
from enum import StrEnum

from massmail.inbound import mime
from massmail.inbound.automatic import is_automatic, is_of_a_server
from massmail.inbound.parser import Mail


class ReturnKind(StrEnum):
    """UNKNOWN is all that is about no mail of ours; nothing of it is kept.

    RECEIPT is any report that a mail arrived, or is on its way: delivered, relayed,
    read, "not spam", a copy of the mail itself.
    """

    BOUNCE = "bounce"
    DELAY = "delay"
    COMPLAINT = "complaint"
    AUTO_REPLY = "auto_reply"
    REPLY = "reply"
    UNSUBSCRIBE = "unsubscribe"
    RECEIPT = "receipt"
    UNKNOWN = "unknown"


# RFC 5965 §7.3; "auth-failure" (RFC 6591) and "not-spam" (RFC 6430) blame nobody.
COMPLAINTS = ("abuse", "fraud", "virus", "other", "miscategorized")
WISHES = ("opt-out", "opt-out-list")
# How servers say in words that they are still trying.
STILL_TRYING = re.compile(
    r"\bdelayed\b|warning:|still trying|will (be retried|keep trying|continue|retry)"
    r"|not yet been delivered|need not resend|do not need to resend|temporarily delayed"
    r"|verz[öo]gert|noch nicht zugestellt|retard[ée]|con retraso|задерж"
    r"|ещ[её] не доставлен|не требуется никаких действий|затрим",
    re.IGNORECASE,
)


def kind_of(mail: Mail) -> ReturnKind:
    """As a mail says; whether it is about one of ours is another question."""
    if mail.problem:
        return ReturnKind.UNKNOWN
    if mail.feedback:
        return kind_of_feedback(mail.feedback)
    if mail.reports:
        return kind_of_report({report.action for report in mail.reports})
    report_type = mime.parameter(mail.fields.get("content-type"), "report-type").lower()
    if mail.disposition or report_type == "disposition-notification":
        return ReturnKind.RECEIPT
    if report_type == "delivery-status" or is_of_a_server(mail.fields):
        return ReturnKind.DELAY if is_still_trying(mail) else ReturnKind.BOUNCE
    return ReturnKind.AUTO_REPLY if is_automatic(mail.fields) else ReturnKind.REPLY


def is_still_trying(mail: Mail) -> bool:
    """Exim names those who failed in a field of its own, others only say so."""
    text = f"{mail.fields.get('subject')}\n{mail.text[:2000]}"
    has_given_up = "x-failed-recipients" in mail.fields
    return not has_given_up and STILL_TRYING.search(text) is not None


def kind_of_feedback(word: str) -> ReturnKind:
    if word in COMPLAINTS:
        return ReturnKind.COMPLAINT
    return ReturnKind.UNSUBSCRIBE if word in WISHES else ReturnKind.RECEIPT


def kind_of_report(actions: set[str]) -> ReturnKind:
    """The worst of a report: a mail to several mailboxes is reported once."""
    if "failed" in actions:
        return ReturnKind.BOUNCE
    return ReturnKind.DELAY if "delayed" in actions else ReturnKind.RECEIPT
