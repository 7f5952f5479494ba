"""What a person must see."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class AlertQuerySet(models.QuerySet["Alert"]):
    def raise_once(
        self, *, cause: str, recipient: Any, text: str, now: dt.datetime
    ) -> Alert:
        """Open an alert unless one is open for the cause; returns the open one."""
        alert, _created = self.get_or_create(
            cause=cause,
            closed_at=None,
            defaults={"recipient": recipient, "text": text, "raised_at": now},
        )
        return alert

    def open_for(self, user: Any) -> AlertQuerySet:
        """What this person must see now, the newest first."""
        return self.filter(recipient=user, closed_at=None)

    def pass_on(self, *, cause: str, recipient: Any) -> int:
        """The cause is somebody else's matter now, who has not been told yet."""
        return self.filter(cause=cause, closed_at=None).update(
            recipient=recipient, mailed_at=None
        )

    def close(self, *, cause: str, now: dt.datetime) -> int:
        return self.filter(cause=cause, closed_at=None).update(closed_at=now)


class Alert(models.Model):
    """One open row per cause, shown to its recipient until the cause is gone."""

    cause = models.CharField(_("cause"), max_length=100)
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("for"),
        on_delete=models.CASCADE,
        related_name="+",
    )
    text = models.CharField(_("text"), max_length=1000)
    raised_at = models.DateTimeField(_("since"))
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    # When it was put into the queue of another account, for the recipient's mailbox.
    mailed_at = models.DateTimeField(_("mailed"), null=True, editable=False)

    objects = AlertQuerySet.as_manager()

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        ordering = ["-raised_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["cause"],
                condition=models.Q(closed_at=None),
                name="one_open_alert_per_cause",
            )
        ]

    def __str__(self) -> str:
        return self.text


def account_cause(account_id: int) -> str:
    """The cause of alerts about an account's health."""
    return f"account:{account_id}"


def token_cause(account_id: int | str) -> str:
    """The cause of warnings that an account's access ends soon; "" begins them all."""
    return f"token:{account_id}"


def mailbox_cause(account_id: int | str) -> str:
    """The cause of alerts that an account's mailbox is not read; "" begins them all."""
    return f"mailbox:{account_id}"
