"""The words of the ledger: what a delivery is, where it stands, and why."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class DeliveryStatus(models.TextChoices):
    QUEUED = "queued", _("waiting")
    CLAIMED = "claimed", _("being prepared")
    SENDING = "sending", _("being sent")
    SENT = "sent", _("sent")
    FAILED = "failed", _("failed")
    SKIPPED = "skipped", _("not mailed")
    UNCERTAIN = "uncertain", _("uncertain")


# Rows that still need a worker or a person: none may be left in a done mailing.
OPEN_STATUSES = (
    DeliveryStatus.QUEUED,
    DeliveryStatus.CLAIMED,
    DeliveryStatus.SENDING,
    DeliveryStatus.UNCERTAIN,
)
LEASED_STATUSES = (DeliveryStatus.CLAIMED, DeliveryStatus.SENDING)


class Kind(models.TextChoices):
    MAILING = "mailing", _("mailing")
    TEST = "test", _("test")
    ALERT = "alert", _("alert")
    CONFIRMATION = "confirmation", _("confirmation")
    OUTBOX = "outbox", _("outbox")


class SkipReason(models.TextChoices):
    OPTED_OUT = "opted_out", _("opted out")
    DISQUALIFIED = "disqualified", _("disqualified")
    SUPPRESSED = "suppressed", _("on the don't-mail list")
    NO_ADDRESS = "no_address", _("no address")
    INVALID_ADDRESS = "invalid_address", _("invalid address")
    DUPLICATE = "duplicate", _("address is mailed already")
    EXCLUDED = "excluded", _("excluded")
    ALREADY_RECEIVED = "already_received", _("already received this message")
    NOT_ASSIGNED = "not_assigned", _("assigned to somebody else")
    NO_ACCOUNT = "no_account", _("no account to send from")
    MISSING_VALUE = "missing_value", _("a value is missing")
    EXPIRED = "expired", _("the mailing expired")
    CANCELLED = "cancelled", _("the mailing was cancelled")
    MERGED = "merged", _("moved to another mailing")
    RECIPIENT_DELETED = "recipient_deleted", _("the record was deleted")
    RENDER_ERROR = "render_error", _("the message could not be made")
    # Of older versions, inside the transaction that added a chunk of recipients.
    PREPARING = "preparing", _("being added")


class Priority(models.IntegerChoices):
    """Lower numbers leave first."""

    HIGH = 1, _("high")
    MEDIUM = 2, _("medium")
    LOW = 3, _("low")


# What a queued row waits for whose domain has got what it may in an hour.
DOMAIN_LIMIT = "domain_limit"
