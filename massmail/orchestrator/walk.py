"""Which accounts can send now; also takes back what dead workers held."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from itertools import chain, product

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
from massmail.models.first_of_zones import first_of_zones
from massmail.orchestrator.alerting import mail_alerts
from massmail.orchestrator.clock import Clock
from massmail.orchestrator.finishing import (
    ended_lately,
    expire_mailings,
    finish_mailings,
)
from massmail.sending.account_health import wake_up
from massmail.sending.business_time import BusinessTime, business_time
from massmail.sending.claiming import open_rows, running_mailings
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
    has_own, has_mailings = Q(Exists(due.filter(mailing=None))), Q(pk__in=[])
    gap_over = Q(next_send_at=None) | Q(next_send_at__lte=now)
    ready = EmailAccount.objects.ready(now).filter(gap_over).order_by("pk")
    hours = business_time(settings)
    if hours is None or not hours.holds_everybody(now):
        mailings = running_mailings(now)
        for mailing_id in mailings:
            has_mailings |= Q(Exists(due.filter(mailing_id=mailing_id)))
        if hours and hours.by_recipient:
            waiting = ready.filter(has_mailings).values_list("pk", flat=True)
            has_mailings = Q(pk__in=with_open_rows(waiting, mailings, hours, now))
    return ready.filter(has_own | has_mailings)


def with_open_rows(
    accounts: Iterable[int],
    mailings: Iterable[int],
    hours: BusinessTime,
    now: dt.datetime,
) -> set[int | None]:
    """Those of the accounts of which somebody's hours are open."""
    firsts = chain.from_iterable(first_of_zones(product(accounts, mailings)).values())
    return {row.email_account_id for row in open_rows(firsts, hours, now)}


def has_free_lane(account: EmailAccount, now: dt.datetime) -> bool:
    taken = AccountLane.objects.filter(email_account=account, lease_until__gt=now)
    return taken.count() < lanes_of(account)
