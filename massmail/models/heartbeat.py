"""Worker and beat are alive."""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.utils.translation import gettext_lazy as _

from massmail.conf import conf


class HeartbeatQuerySet(models.QuerySet["Heartbeat"]):
    def beat(self, name: str, now: dt.datetime) -> None:
        """Remember that `name` ran just now."""
        self.update_or_create(name=name, defaults={"beat_at": now})

    def is_alive(self, name: str, now: dt.datetime) -> bool:
        oldest = now - dt.timedelta(seconds=conf.HEARTBEAT_SECONDS)
        return self.filter(name=name, beat_at__gte=oldest).exists()


class Heartbeat(models.Model):
    """When the scheduler and a sender last did their work."""

    BEAT = "beat"
    WORKER = "worker"

    name = models.CharField(_("name"), max_length=50, primary_key=True)
    beat_at = models.DateTimeField(_("last seen"))

    objects = HeartbeatQuerySet.as_manager()

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")

    def __str__(self) -> str:
        return self.name
