"""One message to one address: the queue and the ledger, and all its transitions.

Each transition is one conditional UPDATE; its row count tells whether this worker
still held the row. No other module changes `Delivery.status`.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from massmail.models.email_account import EmailAccount
from massmail.models.eml_message import MessageVersion
from massmail.models.mass_contact import MassContact


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
    # Only inside the transaction that adds a chunk of recipients.
    PREPARING = "preparing", _("being added")


class Priority(models.IntegerChoices):
    """Lower numbers leave first."""

    HIGH = 1, _("high")
    MEDIUM = 2, _("medium")
    LOW = 3, _("low")


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """Transitions; `token` is the claim that must still hold the rows."""

    def due(self, now: dt.datetime) -> DeliveryQuerySet:
        return self.filter(status=DeliveryStatus.QUEUED, not_before__lte=now)

    def held_by(self, token: uuid.UUID, *statuses: str) -> DeliveryQuerySet:
        """Each has a lease: said once more, it lets the index of leases serve."""
        return self.filter(
            claim_token=token, status__in=statuses, lease_until__isnull=False
        )

    def expired(self, now: dt.datetime) -> DeliveryQuerySet:
        """Leased rows whose worker is silent."""
        return self.filter(lease_until__lte=now)

    def claim(
        self, ids: Iterable[int], token: uuid.UUID, lease_until: dt.datetime
    ) -> int:
        """queued → claimed."""
        return self.filter(pk__in=list(ids), status=DeliveryStatus.QUEUED).update(
            status=DeliveryStatus.CLAIMED, claim_token=token, lease_until=lease_until
        )

    def release(self, token: uuid.UUID, ids: Iterable[int] | None = None) -> int:
        """claimed → queued, untouched: nothing of it went to the network."""
        rows = self.held_by(token, DeliveryStatus.CLAIMED)
        if ids is not None:
            rows = rows.filter(pk__in=list(ids))
        return rows.update(
            status=DeliveryStatus.QUEUED, claim_token=None, lease_until=None
        )

    def mark_sending(
        self,
        ids: Iterable[int],
        token: uuid.UUID,
        *,
        allowed: Q,
        now: dt.datetime,
        lease_until: dt.datetime,
    ) -> int:
        """claimed → sending, for rows that may still be mailed (`allowed`).

        A lease that has run out fails the fence even before anybody took the row:
        another worker may be about to.
        """
        rows = self.held_by(token, DeliveryStatus.CLAIMED).filter(
            allowed, pk__in=list(ids), lease_until__gt=now
        )
        return rows.update(
            status=DeliveryStatus.SENDING,
            sending_at=now,
            lease_until=lease_until,
            attempts=F("attempts") + 1,
            reason="",
        )

    def mark_sent(self, pk: int, token: uuid.UUID, **facts: Any) -> int:
        """sending → sent: the server answered 250."""
        return self._finish(pk, token, (DeliveryStatus.SENDING,), "sent", facts)

    def mark_failed(self, pk: int, token: uuid.UUID, **facts: Any) -> int:
        """claimed or sending → failed: refused for good, or given up."""
        return self._finish(pk, token, LEASED_STATUSES, "failed", facts)

    def mark_uncertain(self, pk: int, token: uuid.UUID, **facts: Any) -> int:
        """sending → uncertain: handed over, and no answer will come."""
        return self._finish(pk, token, (DeliveryStatus.SENDING,), "uncertain", facts)

    def put_back(self, pk: int, token: uuid.UUID, **facts: Any) -> int:
        """claimed or sending → queued: refused, or provably not handed over."""
        return self._finish(pk, token, LEASED_STATUSES, "queued", facts)

    def skip_claimed(self, pk: int, token: uuid.UUID, reason: str) -> int:
        """claimed → skipped."""
        facts = {"reason": reason}
        return self._finish(pk, token, (DeliveryStatus.CLAIMED,), "skipped", facts)

    def hand_on(self, token: uuid.UUID) -> int:
        """claimed by the token, or queued → queued, to be given another account."""
        claimed = Q(status=DeliveryStatus.CLAIMED, claim_token=token)
        return self.filter(claimed | Q(status=DeliveryStatus.QUEUED)).update(
            status=DeliveryStatus.QUEUED,
            email_account=None,
            claim_token=None,
            lease_until=None,
        )

    def refuse(self, reason: str) -> int:
        """preparing → skipped, while a chunk of recipients is being added."""
        return self.filter(preparing()).update(reason=reason)

    def admit(self) -> int:
        """preparing → queued, for what nothing speaks against."""
        return self.filter(preparing()).update(status=DeliveryStatus.QUEUED, reason="")

    def resolve(self, pk: int, *, sent: bool, now: dt.datetime) -> int:
        """uncertain → sent or queued; the callers keep why (see `proof`)."""
        row = self.filter(pk=pk, status=DeliveryStatus.UNCERTAIN)
        if sent:
            return row.update(
                status=DeliveryStatus.SENT,
                reason="",
                sent_at=Coalesce("sending_at", Value(now)),
            )
        return row.update(
            status=DeliveryStatus.QUEUED, reason="put_back", not_before=now
        )

    def put_back_failed(self, now: dt.datetime) -> int:
        """failed → queued, by a person: as new, since nothing was delivered.

        The record's address of today is used, and the retries begin again.
        """
        return self.filter(status=DeliveryStatus.FAILED).update(
            status=DeliveryStatus.QUEUED,
            reason="put_back",
            not_before=now,
            attempts=0,
            first_refused_at=None,
        )

    def skip(self, reason: str) -> int:
        """queued → skipped, for all rows of this queryset."""
        return self.filter(status=DeliveryStatus.QUEUED).update(
            status=DeliveryStatus.SKIPPED, reason=reason
        )

    def recover(self, now: dt.datetime) -> tuple[int, list[int]]:
        """Take back what dead workers held: (rows freed, ids now uncertain).

        claimed → queued: nothing was handed over. sending → uncertain: the dot
        may be at the server.
        """
        expired = self.expired(now)
        freed = expired.filter(status=DeliveryStatus.CLAIMED).update(
            status=DeliveryStatus.QUEUED, claim_token=None, lease_until=None
        )
        sending = expired.filter(status=DeliveryStatus.SENDING)
        lost = [
            pk
            for pk in sending.values_list("pk", flat=True)
            if sending.filter(pk=pk).update(
                status=DeliveryStatus.UNCERTAIN,
                reason="worker_lost",
                claim_token=None,
                lease_until=None,
                result_at=now,
            )
        ]
        return freed, lost

    def _finish(
        self,
        pk: int,
        token: uuid.UUID,
        sources: tuple[str, ...],
        status: str,
        facts: dict[str, Any],
    ) -> int:
        rows = self.held_by(token, *sources).filter(pk=pk)
        return rows.update(status=status, claim_token=None, lease_until=None, **facts)


def preparing() -> Q:
    return Q(status=DeliveryStatus.SKIPPED, reason=SkipReason.PREPARING)


class Delivery(models.Model):
    """One message to one address through one account.

    Its constraints are promises: a record has one row in a mailing, and an address
    has at most one row that is not skipped.
    """

    Kind = Kind
    Priority = Priority
    SkipReason = SkipReason
    Status = DeliveryStatus

    kind = models.CharField(
        _("kind"), max_length=12, choices=Kind, default=Kind.MAILING
    )
    mailing = models.ForeignKey(
        "massmail.MailingOut",
        verbose_name=_("mailing"),
        on_delete=models.PROTECT,
        null=True,
        related_name="deliveries",
    )
    version = models.ForeignKey(
        MessageVersion,
        verbose_name=_("message"),
        on_delete=models.PROTECT,
        null=True,
        related_name="deliveries",
    )
    content_type = models.ForeignKey(
        ContentType, on_delete=models.PROTECT, null=True, related_name="+"
    )
    object_id = models.CharField(_("record"), max_length=64, blank=True)
    mass_contact = models.ForeignKey(
        MassContact, on_delete=models.SET_NULL, null=True, related_name="deliveries"
    )
    name = models.CharField(_("name"), max_length=300, blank=True)
    address = models.CharField(_("address"), max_length=320, blank=True)
    address_key = models.CharField(max_length=32, blank=True)
    address_domain = models.CharField(max_length=253, blank=True)
    email_account = models.ForeignKey(
        EmailAccount,
        verbose_name=_("email account"),
        on_delete=models.PROTECT,
        null=True,
        related_name="deliveries",
    )
    status = models.CharField(
        _("status"),
        max_length=9,
        choices=DeliveryStatus,
        default=DeliveryStatus.QUEUED,
    )
    reason = models.CharField(_("reason"), max_length=40, blank=True)
    priority = models.PositiveSmallIntegerField(
        _("priority"), choices=Priority, default=Priority.MEDIUM
    )
    not_before = models.DateTimeField(_("not before"))
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    lease_until = models.DateTimeField(null=True)
    claim_token = models.UUIDField(null=True)
    message_id = models.CharField(_("Message-ID"), max_length=400, blank=True)
    smtp_code = models.PositiveSmallIntegerField(_("SMTP code"), null=True)
    smtp_enhanced = models.CharField(_("enhanced code"), max_length=12, blank=True)
    smtp_text = models.CharField(_("server's words"), max_length=500, blank=True)
    queued_at = models.DateTimeField(_("queued"))
    sending_at = models.DateTimeField(_("handed over"), null=True)
    sent_at = models.DateTimeField(_("sent"), null=True)
    first_refused_at = models.DateTimeField(_("first refused"), null=True)
    # When the server last answered about it: the order in which breakers look back.
    result_at = models.DateTimeField(_("last result"), null=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["mailing", "content_type", "object_id"],
                name="one_delivery_per_record",
            ),
            models.UniqueConstraint(
                fields=["mailing", "address_key"],
                condition=~Q(status=DeliveryStatus.SKIPPED),
                name="one_delivery_per_address",
            ),
            models.CheckConstraint(
                condition=Q(
                    status__in=LEASED_STATUSES,
                    claim_token__isnull=False,
                    lease_until__isnull=False,
                )
                | ~Q(status__in=LEASED_STATUSES)
                & Q(claim_token=None, lease_until=None),
                name="leased_rows_have_a_claim",
            ),
            models.CheckConstraint(
                condition=~Q(status=DeliveryStatus.SKIPPED) | ~Q(reason=""),
                name="skipped_rows_have_a_reason",
            ),
            models.CheckConstraint(
                condition=~Q(kind=Kind.MAILING, mailing=None)
                & (Q(kind=Kind.MAILING) | Q(mailing=None)),
                name="mailing_rows_have_a_mailing",
            ),
        ]
        indexes = [
            models.Index(
                fields=["email_account", "mailing", "priority", "not_before", "id"],
                condition=Q(status=DeliveryStatus.QUEUED),
                name="delivery_queue",
            ),
            models.Index(
                fields=["lease_until"],
                # Both databases see that `lease_until <= now` implies it.
                condition=Q(lease_until__isnull=False),
                name="delivery_leases",
            ),
            models.Index(
                fields=["email_account"],
                condition=Q(status=DeliveryStatus.CLAIMED),
                name="delivery_claims",
            ),
            models.Index(fields=["mailing", "status", "id"], name="delivery_by_status"),
            models.Index(
                fields=["mailing", "-result_at"],
                condition=Q(result_at__isnull=False),
                name="delivery_results",
            ),
            models.Index(fields=["address_key", "mailing"], name="delivery_by_address"),
            models.Index(
                fields=["content_type", "object_id"], name="delivery_by_record"
            ),
            models.Index(
                fields=["message_id"],
                condition=~Q(message_id=""),
                name="delivery_by_message_id",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.status}"
