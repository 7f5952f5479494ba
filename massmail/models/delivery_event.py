"""What happened to a delivery after, or besides, its sending."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from massmail.models.delivery import Delivery


class DeliveryEvent(models.Model):
    """What happened to a delivery; rows are only ever added."""

    class Kind(models.TextChoices):
        OPENED = "opened", _("opened")
        CLICKED = "clicked", _("clicked")
        UNSUBSCRIBED = "unsubscribed", _("unsubscribed")
        RESUBSCRIBED = "resubscribed", _("subscribed again")
        BOUNCED = "bounced", _("bounced")
        COMPLAINED = "complained", _("complained")
        REPLIED = "replied", _("replied")
        RESOLVED = "resolved", _("resolved")
        PUT_BACK = "put_back", _("put back")

    delivery = models.ForeignKey(
        Delivery, on_delete=models.PROTECT, related_name="events"
    )
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    occurred_at = models.DateTimeField(_("when"))
    is_machine = models.BooleanField(_("by a machine"), default=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("by"),
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
    )
    detail = models.CharField(_("detail"), max_length=500, blank=True)
    # Makes an event that is reported twice one event.
    source_key = models.CharField(max_length=100, unique=True)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["-occurred_at", "-pk"]
        indexes = [
            models.Index(fields=["delivery", "kind"], name="events_of_a_delivery")
        ]

    def __str__(self) -> str:
        return f"{self.delivery_id} {self.kind}"
