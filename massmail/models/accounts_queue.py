"""An owner's accounts in turn."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from massmail.models.email_account import EmailAccount


class EmlAccountsQueueQuerySet(models.QuerySet["EmlAccountsQueue"]):
    def turns(self, owner: Any, accounts: list[EmailAccount]) -> list[EmlAccountsQueue]:
        """The owner's turns through these accounts, the longest waiting first."""
        self.bulk_create(
            [self.model(owner=owner, email_account=account) for account in accounts],
            ignore_conflicts=True,
        )
        return list(
            self.filter(owner=owner, email_account__in=accounts).order_by(
                F("last_turn_at").asc(nulls_first=True), "email_account_id"
            )
        )


class EmlAccountsQueue(models.Model):
    """An owner's accounts in turn: one row per turn."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    email_account = models.ForeignKey(
        EmailAccount, on_delete=models.CASCADE, related_name="turns"
    )
    last_turn_at = models.DateTimeField(_("last turn"), null=True)

    objects = EmlAccountsQueueQuerySet.as_manager()

    class Meta:
        verbose_name = _("turn of an account")
        verbose_name_plural = _("turns of accounts")
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "email_account"], name="one_turn_per_account"
            )
        ]

    def __str__(self) -> str:
        return f"{self.owner_id}/{self.email_account_id}"
