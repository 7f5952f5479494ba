"""What a mail that came back can be."""

from __future__ import annotations

from enum import StrEnum


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
