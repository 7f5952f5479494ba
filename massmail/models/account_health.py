"""Whether an account can send, and what was last seen of it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    """Whether an account sends; a pause ends by itself, a stop by a person."""

    ACTIVE = "active", _("active")
    PAUSED = "paused", _("paused")
    STOPPED = "stopped", _("stopped")


class Healthy(models.Model):
    """Its state is changed by outcomes and by people (`sending.account_health`)."""

    state = models.CharField(
        _("state"), max_length=8, choices=State, default=State.ACTIVE
    )
    # A code word of the outcome table, or words for a person.
    state_reason = models.CharField(_("reason"), max_length=300, blank=True)
    paused_until = models.DateTimeField(_("paused until"), null=True, blank=True)
    last_error = models.CharField(
        _("last error"), max_length=500, blank=True, editable=False
    )
    # What the server said it takes (SMTP SIZE) when the connection was last tested.
    max_message_bytes = models.PositiveBigIntegerField(null=True, editable=False)
    failures_in_a_row = models.PositiveIntegerField(default=0, editable=False)
    # When a background check last looked at the login.
    checked_at = models.DateTimeField(null=True, editable=False)
    # The random gap after the last mail ends here.
    next_send_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        abstract = True
