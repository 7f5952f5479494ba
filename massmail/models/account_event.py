"""The history of an account's health."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from massmail.models.account_health import State
from massmail.models.email_account import EmailAccount


class AccountEvent(models.Model):
    """A line in the history of an account's health."""

    email_account = models.ForeignKey(
        EmailAccount, on_delete=models.CASCADE, related_name="events"
    )
    occurred_at = models.DateTimeField(_("when"))
    state = models.CharField(_("state"), max_length=8, choices=State)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    detail = models.CharField(_("server's words"), max_length=500, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    class Meta:
        verbose_name = _("account event")
        verbose_name_plural = _("account events")
        ordering = ["-occurred_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.occurred_at:%Y-%m-%d %H:%M} {self.state} {self.reason}"
