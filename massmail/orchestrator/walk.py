"""Which accounts can send now; also takes back what dead workers held."""

from __future__ import annotations

import datetime as dt

from django.db.models import Exists, OuterRef, Q, QuerySet

from massmail.models import (
    AccountLane,
    Delivery,
    EmailAccount,
    Heartbeat,
    MailingOut,
    MassmailSettings,
    SampleValues,
)
from massmail.orchestrator.alerting import mail_alerts
from massmail.orchestrator.clock import Clock
from massmail.orchestrator.finishing import (
    ended_lately,
    expire_mailings,
    finish_mailings,
)
from massmail.sending.account_health import wake_up
from massmail.sending.business_time import business_time
from massmail.sending.claiming import running_mailings
from massmail.sending.lanes import lanes_of
from massmail.sending.quotas import room
from massmail.sending.recording import recover


def walk_account_queues(now: dt.datetime | None = None) -> list[int]:
    """Ids of the accounts that have something due and may send it, each once.

    Idempotent: two walks at the same time find the same, and a run that finds no
    free lane or no due row ends at once.
    """
    now = Clock(now)()
    Heartbeat.objects.beat(Heartbeat.BEAT, now)
    tidy_up(now)
    settings = MassmailSettings.load()
    return [
        account.pk
        for account in accounts_with_due_rows(settings, now)
        if has_free_lane(account, now)
        and room(account, settings, now=now, wanted=1).count
    ]


def tidy_up(now: dt.datetime) -> None:
    """Leases, pauses, expiries, ends and alerts that are due."""
    recover(now)
    wake_up(now)
    expire_mailings(now)
    ended_lately(now).close_cancelled()
    # A row that was put back in the very moment in which its mailing was done.
    ended_lately(now).reopen()
    finish_mailings(MailingOut.objects.all(), now)
    mail_alerts(now)
    SampleValues.objects.forget()


def accounts_with_due_rows(
    settings: MassmailSettings, now: dt.datetime
) -> QuerySet[EmailAccount]:
    """Ready accounts whose gap is over; asks the queue's index once per mailing."""
    due = Delivery.objects.due(now).filter(email_account=OuterRef("pk"))
    has_work = Q(Exists(due.filter(mailing=None)))
    hours = business_time(settings)
    if hours is None or not hours.holds_everybody(now):
        for mailing_id in running_mailings(now):
            has_work |= Q(Exists(due.filter(mailing_id=mailing_id)))
    gap_over = Q(next_send_at=None) | Q(next_send_at__lte=now)
    return EmailAccount.objects.ready(now).filter(gap_over, has_work).order_by("pk")


def has_free_lane(account: EmailAccount, now: dt.datetime) -> bool:
    taken = AccountLane.objects.filter(email_account=account, lease_until__gt=now)
    return taken.count() < lanes_of(account)
