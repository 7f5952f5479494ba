"""The job that turns stored selections into rows, and drafts into what sends."""

from __future__ import annotations

import logging
import time

from django.utils import timezone

from massmail.audience.selection import Step, prepare_until, unprepared_mailings
from massmail.models import Heartbeat
from massmail.orchestrator.launching import launch_mailings

logger = logging.getLogger(__name__)


def prepare_mailings(*, seconds: float) -> bool:
    """Work on selections and launches for about so long; whether there is more to do.

    Any number of these may run at once; a killed one loses nothing. It comes round
    every few seconds, so it is also the sign of life of a worker without mail to send.
    """
    Heartbeat.objects.beat(Heartbeat.WORKER, timezone.now())
    deadline = time.monotonic() + seconds
    if launch_mailings(seconds=seconds):
        return True
    for mailing in unprepared_mailings():
        if time.monotonic() >= deadline:
            return True
        try:
            if prepare_until(mailing, deadline) is Step.ADDED:
                return True
        except LookupError:
            logger.exception("Mailing %s cannot be prepared", mailing.pk)
    return False
