"""Recipients that were chosen and wait to become rows of the ledger."""

from __future__ import annotations

from django.db import models

from massmail.models.mailing_out import MailingOut


class SelectedChunk(models.Model):
    """A few thousand primary keys; consumed in the transaction that adds their rows."""

    mailing = models.ForeignKey(
        MailingOut, on_delete=models.CASCADE, related_name="selected_chunks"
    )
    keys = models.JSONField()

    class Meta:
        verbose_name = "selected chunk"
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.mailing_id}/{self.pk}"
