"""What ends a mailing: all rows final, or its time is over."""

from __future__ import annotations

import datetime as dt
from functools import partial

from django.db import transaction

from massmail.models import Alert, Delivery, MailingOut
from massmail.models.mailing_out import MailingOutQuerySet
from massmail.signals import mailing_done

SkipReason = Delivery.SkipReason


def finish_mailings(mailings: MailingOutQuerySet, now: dt.datetime) -> None:
    """Move them to done where each row is final, and tell the host.

    What stopped such a mailing needs nobody any more.
    """
    for mailing in mailings.finish(now):
        Alert.objects.close(cause=f"mailing:{mailing.pk}", now=now)
        transaction.on_commit(partial(mailing_done.send, MailingOut, mailing=mailing))


def expire_mailings(now: dt.datetime) -> None:
    """Skip what still waits in mailings whose time is over."""
    over = MailingOut.objects.expired(now)
    for mailing_id in over.values_list("pk", flat=True):
        with transaction.atomic():
            # Locked and asked again: somebody may have given it more time.
            if over.select_for_update(no_key=True).filter(pk=mailing_id).first():
                rows = Delivery.objects.filter(mailing_id=mailing_id)
                rows.skip(SkipReason.EXPIRED)


def ended_lately(now: dt.datetime) -> MailingOutQuerySet:
    """A month covers the longest lease, and the longest time that nobody looked."""
    return MailingOut.objects.filter(finished_at__gte=now - dt.timedelta(days=31))
