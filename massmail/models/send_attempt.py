"""Hand-overs: what quotas count."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from massmail.models.delivery import Delivery
from massmail.models.email_account import EmailAccount


class SendAttempt(models.Model):
    """A hand-over that was begun: what quotas count.

    `occurred_at` moves on to the time of the reply, so that a limit holds for the
    moments at which the server may have accepted the mail.
    """

    class Outcome(models.TextChoices):
        OPEN = "open", _("no reply yet")
        SENT = "sent", _("sent")
        REFUSED = "refused", _("refused")
        UNCERTAIN = "uncertain", _("uncertain")

    # Both come from the very row that the same statement marks, which has constraints
    # of its own: to have them checked again would cost each mail two look-ups.
    email_account = models.ForeignKey(
        EmailAccount,
        on_delete=models.PROTECT,
        related_name="send_attempts",
        db_index=False,  # see attempts_in_a_window
        db_constraint=False,
    )
    delivery = models.ForeignKey(
        Delivery,
        on_delete=models.PROTECT,
        related_name="send_attempts",
        db_index=False,  # see one_attempt_per_claim
        db_constraint=False,
    )
    # The claim of the worker that made it: with the delivery it names one attempt.
    token = models.UUIDField()
    occurred_at = models.DateTimeField(_("when"))
    outcome = models.CharField(
        _("outcome"), max_length=9, choices=Outcome, default=Outcome.OPEN
    )

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        indexes = [
            models.Index(
                fields=["email_account", "occurred_at"], name="attempts_in_a_window"
            )
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["delivery", "token"], name="one_attempt_per_claim"
            )
        ]

    def __str__(self) -> str:
        return f"{self.delivery_id} {self.outcome}"
