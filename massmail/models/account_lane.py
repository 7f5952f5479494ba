"""One connection's right to send."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from massmail.models.email_account import EmailAccount


class AccountLane(models.Model):
    """One connection's right to send; whoever holds the token holds the lane."""

    email_account = models.ForeignKey(
        EmailAccount, on_delete=models.CASCADE, related_name="lanes"
    )
    number = models.PositiveSmallIntegerField()
    lease_until = models.DateTimeField(null=True)
    token = models.UUIDField(null=True)

    class Meta:
        verbose_name = _("lane")
        verbose_name_plural = _("lanes")
        constraints = [
            models.UniqueConstraint(
                fields=["email_account", "number"], name="one_lane_per_number"
            )
        ]

    def __str__(self) -> str:
        return f"{self.email_account_id}/{self.number}"
