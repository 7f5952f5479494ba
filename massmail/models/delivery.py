"""One message to one address: the queue and the ledger."""

from __future__ import annotations

import uuid
from typing import cast

from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from massmail.models.delivery_states import (
    LEASED_STATUSES,
    DeliveryStatus,
    Kind,
    Priority,
    SkipReason,
)
from massmail.models.delivery_transitions import DeliveryQuerySet
from massmail.models.email_account import EmailAccount
from massmail.models.eml_message import MessageVersion
from massmail.models.mass_contact import MassContact
from massmail.models.planned_accounts import keep_unless_planned


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
        db_index=False,  # others begin with it
    )
    version = models.ForeignKey(
        MessageVersion,
        verbose_name=_("message"),
        on_delete=models.PROTECT,
        null=True,
        related_name="deliveries",
        # Only deleting a version looks from there; each mail would write it thrice.
        db_index=False,
    )
    content_type = models.ForeignKey(
        ContentType,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,  # see one_delivery_per_record
        # A type is never deleted by other means than the ORM, which looks here.
        db_constraint=False,
    )
    object_id = models.CharField(_("record"), max_length=64, blank=True)
    mass_contact = models.ForeignKey(
        MassContact,
        on_delete=models.SET_NULL,
        null=True,
        related_name="deliveries",
        # Only deleting an identity looks from there, and that is the ORM's: an index
        # would be written thrice for each mail, a constraint asked for each recipient.
        db_index=False,
        db_constraint=False,
    )
    name = models.CharField(_("name"), max_length=300, blank=True)
    address = models.CharField(_("address"), max_length=320, blank=True)
    address_key = models.CharField(max_length=32, blank=True)
    address_domain = models.CharField(max_length=253, blank=True)
    email_account = models.ForeignKey(
        EmailAccount,
        verbose_name=_("email account"),
        on_delete=keep_unless_planned,
        null=True,
        related_name="deliveries",
        # What waits, is claimed or is a test has an index of its own; only deleting an
        # account asks for all.
        db_index=False,
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
                # In this order it also finds all that a record was sent.
                fields=["content_type", "object_id", "mailing"],
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
            # From time zone to time zone, in each the first that is due.
            models.Index(
                fields=["email_account", "mailing", "time_zone", "not_before", "id"],
                condition=Q(status=DeliveryStatus.QUEUED),
                name="delivery_zones",
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
            # With the status, the days of a mailing are counted without its rows.
            models.Index(
                fields=["mailing", "-result_at", "status"],
                condition=Q(result_at__isnull=False),
                name="delivery_results",
            ),
            # What is sent at the first attempt never has one, and costs nothing here.
            models.Index(
                fields=["mailing", "status", "reason"],
                condition=~Q(reason=""),
                name="delivery_reasons",
            ),
            # Few among millions.
            models.Index(
                fields=["email_account"],
                condition=Q(kind=Kind.TEST),
                name="delivery_tests",
            ),
            # What a copy in an account's folder of sent mail may prove.
            models.Index(
                fields=["email_account", "id"],
                condition=Q(status=DeliveryStatus.UNCERTAIN),
                name="delivery_doubts",
            ),
            models.Index(fields=["address_key", "mailing"], name="delivery_by_address"),
            models.Index(
                fields=["message_id"],
                condition=~Q(message_id=""),
                name="delivery_by_message_id",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.status}"

    @property
    def claim(self) -> uuid.UUID:
        """The token of a leased row; see `leased_rows_have_a_claim`."""
        return cast(uuid.UUID, self.claim_token)

    @property
    def given_account(self) -> EmailAccount | None:
        """None while it is only planned, in a draft."""
        is_draft = self.mailing is not None and self.mailing.launched_at is None
        return None if is_draft else self.email_account
