"""What happened to a delivery after, or besides, its sending."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from massmail.models.delivery import Delivery
from massmail.models.tracked_link import TrackedLink


class Kind(models.TextChoices):
    OPENED = "opened", _("opened")
    CLICKED = "clicked", _("clicked")
    UNSUBSCRIBED = "unsubscribed", _("unsubscribed")
    LEFT_LIST = "left_list", _("left a list")
    RESUBSCRIBED = "resubscribed", _("subscribed again")
    BOUNCED = "bounced", _("bounced")
    COMPLAINED = "complained", _("complained")
    REPLIED = "replied", _("replied")
    AUTO_REPLIED = "auto_replied", _("automatic reply")
    RESOLVED = "resolved", _("resolved")
    PUT_BACK = "put_back", _("put back")


# What the tracking of opens and clicks writes.
TRACKED_KINDS = (Kind.OPENED, Kind.CLICKED)
# What comes back by mail; few among millions of opens.
RETURNED_KINDS = (Kind.BOUNCED, Kind.COMPLAINED, Kind.REPLIED, Kind.AUTO_REPLIED)
# What nobody can do who has not got the mail.
PROVING_KINDS = (*TRACKED_KINDS, Kind.UNSUBSCRIBED, Kind.LEFT_LIST, *RETURNED_KINDS)


class DeliveryEventQuerySet(models.QuerySet["DeliveryEvent"]):
    def tracked(self) -> DeliveryEventQuerySet:
        """Opens and clicks, whoever made them."""
        return self.filter(kind__in=TRACKED_KINDS)

    def by_people(self) -> DeliveryEventQuerySet:
        """Opens and clicks that may count as a person's: nothing else may ever lead
        to a follow-up."""
        return self.tracked().filter(is_machine=False)


class DeliveryEvent(models.Model):
    """What happened to a delivery; rows are only ever added.

    Whether an open or a click was a machine's is a judgement and can be made anew.
    """

    Kind = Kind

    delivery = models.ForeignKey(
        Delivery, on_delete=models.PROTECT, related_name="events"
    )
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    occurred_at = models.DateTimeField(_("when"))
    link = models.ForeignKey(
        TrackedLink,
        verbose_name=_("link"),
        on_delete=models.PROTECT,
        null=True,
        related_name="events",
    )
    is_machine = models.BooleanField(_("by a machine"), default=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("by"),
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
    )
    detail = models.CharField(_("detail"), max_length=500, blank=True)
    method = models.CharField(_("method"), max_length=7, blank=True)
    user_agent = models.CharField(_("program"), max_length=300, blank=True)
    # Makes an event that is reported twice one event.
    source_key = models.CharField(max_length=100, unique=True)

    objects = DeliveryEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["-occurred_at", "-pk"]
        indexes = [
            models.Index(fields=["delivery", "kind"], name="events_of_a_delivery"),
            # Who bounced among the recipients of a mailing, whatever its size. One for
            # each kind: SQLite sees that `kind = …` implies it.
            *(
                models.Index(
                    fields=["delivery"],
                    condition=Q(kind=kind),
                    name=f"events_{kind}",
                )
                for kind in RETURNED_KINDS
            ),
        ]

    def __str__(self) -> str:
        return f"{self.delivery_id} {self.kind}"
