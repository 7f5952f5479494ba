"""A daily look at accounts that send nothing, lest their access dies unseen.

An account in use finds out by itself; using a token is also what keeps it alive.
"""

from __future__ import annotations

import datetime as dt

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from massmail.models import Alert, EmailAccount, SendAttempt
from massmail.models.alert import token_cause
from massmail.orchestrator.clock import Clock
from massmail.orchestrator.probing import probe
from massmail.sending.account_health import account_failed
from massmail.sending.outcomes import Verdict, classify

IDLE = dt.timedelta(days=1)
# What failed for the moment is looked at again after this.
SOON = dt.timedelta(hours=1)
# So long before access ends its owner is told.
WARNING = dt.timedelta(days=3)


def idle_accounts(now: dt.datetime | None = None) -> list[int]:
    """Active accounts that neither sent nor were looked at for a day."""
    since = Clock(now)() - IDLE
    used = SendAttempt.objects.filter(
        email_account=OuterRef("pk"), occurred_at__gt=since
    )
    accounts = unchecked(since).filter(
        ~Exists(used), state=EmailAccount.State.ACTIVE, created_at__lte=since
    )
    return list(accounts.order_by("pk").values_list("pk", flat=True))


def unchecked(since: dt.datetime) -> QuerySet[EmailAccount]:
    return EmailAccount.objects.filter(Q(checked_at=None) | Q(checked_at__lte=since))


def check_account(account_id: int, *, now: dt.datetime | None = None) -> bool:
    """Log in without sending; False when another process has just done so.

    A fault that a person must mend stops the account and tells its owner, before a
    mailing does. Anything else may have passed by the time of the next mailing.
    """
    now = Clock(now)()
    taken = unchecked(now - IDLE).filter(pk=account_id).update(checked_at=now)
    account = EmailAccount.objects.filter(pk=account_id).first()
    if not taken or account is None:
        return False
    failure = probe(account, clock=Clock(now))
    if failure is None:
        return True
    outcome = classify(failure.phase, failure.reply, detail=failure.detail)
    if outcome.verdict == Verdict.STOP:
        detail = str(failure.reply or failure.detail)
        saved_at = account.updated_at
        account_failed(account_id, outcome, detail=detail, now=now, saved_at=saved_at)
    else:
        EmailAccount.objects.filter(pk=account_id, checked_at=now).update(
            checked_at=now - IDLE + SOON
        )
    return True


def warn_of_ending_access(now: dt.datetime | None = None) -> None:
    """One alert for each account whose access ends soon, until it does not."""
    now = Clock(now)()
    connected = EmailAccount.objects.exclude(refresh_token="").exclude(
        state=EmailAccount.State.STOPPED
    )
    ending = connected.filter(refresh_token_expires_at__lte=now + WARNING)
    causes = set()
    for account in ending.select_related("owner"):
        causes.add(token_cause(account.pk))
        Alert.objects.raise_once(
            cause=token_cause(account.pk),
            recipient=account.owner,
            text=warning_text(account)[:1000],
            now=now,
        )
    over = Alert.objects.filter(closed_at=None, cause__startswith=token_cause(""))
    over.exclude(cause__in=causes).update(closed_at=now)


def warning_text(account: EmailAccount) -> str:
    text = _(
        "%(account)s: the access to the mailbox ends on %(day)s. Connect it again."
    )
    day = timezone.localtime(account.refresh_token_expires_at)
    return text % {"account": account, "day": date_format(day, "DATE_FORMAT")}
