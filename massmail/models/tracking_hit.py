"""What public pages write down in passing; looked at in the background."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from massmail.models.delivery_event import DeliveryEvent


class TrackingHit(models.Model):
    """A request for a pixel, a link or a mail in the browser, as it came in.

    Rows are appended and taken away, never changed; no foreign keys, so that a burst
    of them locks and checks nothing that the sender needs. No network address: who
    reads the mail is known by the link, where from is nobody's business.
    """

    delivery_id = models.BigIntegerField()
    link_id = models.BigIntegerField(null=True)
    kind = models.CharField(max_length=12, choices=DeliveryEvent.Kind)
    occurred_at = models.DateTimeField(_("when"))
    method = models.CharField(max_length=7)
    user_agent = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name = _("request")
        verbose_name_plural = _("requests")

    def __str__(self) -> str:
        return f"{self.delivery_id} {self.kind}"
