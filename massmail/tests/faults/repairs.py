"""What follows a fault: a person mends what only a person can, and time passes."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from massmail.models import Delivery, EmailAccount, MailingOut, SendAttempt
from massmail.models.delivery_states import LEASED_STATUSES
from massmail.orchestrator.lifecycle import resume
from massmail.orchestrator.repair import send_again_to_failed
from massmail.reports.ledger import check_ledger
from massmail.sending.account_health import reactivate
from massmail.tests.mailings import send_all, states
from massmail.tests.smtp_server import FaultServer

WAITING = (Delivery.Status.QUEUED, *LEASED_STATUSES)
# Longer than any lease, any back-off of an account and the first retry.
STEP = dt.timedelta(hours=2)
ROUNDS = 40


def repair(mailing: MailingOut, now: dt.datetime) -> None:
    """The owner activates a stopped account and sends again to those that failed."""
    for account in EmailAccount.objects.filter(state=EmailAccount.State.STOPPED):
        reactivate(account, by=mailing.owner, now=now)
    mailing.refresh_from_db()
    if mailing.stop_reason:
        resume(mailing, by=mailing.owner, now=now)
    if mailing.deliveries.filter(status=Delivery.Status.FAILED).exists():
        send_again_to_failed(mailing, by=mailing.owner, now=now)


def drain(mailing: MailingOut, now: dt.datetime | None = None) -> None:
    """Until no row waits or is held; the hours in between pass at once."""
    moment = now or timezone.now()
    for _round in range(ROUNDS):
        moment += STEP
        repair(mailing, moment)
        send_all(moment)
        if not mailing.deliveries.filter(status__in=WAITING).exists():
            return
    raise AssertionError(f"never drained: {states(mailing)}")


def forget(mailing: MailingOut) -> None:
    """The next round begins with nothing."""
    SendAttempt.objects.all().delete()
    mailing.deliveries.all().delete()
    MailingOut.objects.all().delete()
    EmailAccount.objects.all().delete()


def addresses(server: FaultServer) -> list[str]:
    """Recipients of what the server took, in order of the address."""
    return sorted(message.rcpt for message in server.accepted)


def everybody(mailing: MailingOut) -> list[str]:
    return sorted(mailing.deliveries.values_list("address", flat=True))


def assert_ledger_is_clean(mailing: MailingOut) -> None:
    assert list(check_ledger(timezone.now())) == []
    assert sum(states(mailing).values()) == mailing.recipients_count
