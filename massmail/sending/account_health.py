"""An account's state: what a fault does to it, and how it recovers."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from massmail.exceptions import WrongState
from massmail.models import AccountEvent, Alert, EmailAccount, SendAttempt
from massmail.models.alert import account_cause
from massmail.sending.outcomes import (
    HELP,
    LIMIT_REASONS,
    Outcome,
    Verdict,
    account_backoff_seconds,
)
from massmail.signals import account_stopped

State = EmailAccount.State
ALERT_AFTER_FAILURES = 5
_random = random.SystemRandom()


@transaction.atomic
def account_failed(
    account_id: int,
    outcome: Outcome,
    *,
    detail: str,
    now: dt.datetime,
    saved_at: dt.datetime | None = None,
) -> None:
    """Stop the account, or pause it for longer each time.

    Connections that fail together count once: who finds the account at rest
    already adds nothing. Neither does a failure with settings that a person has edited
    since: `saved_at` is the `updated_at` of those it happened with.
    """
    account = EmailAccount.objects.lock(account_id)
    if saved_at is not None and account.updated_at != saved_at:
        return
    if account.state == State.STOPPED or is_resting(account, now):
        return
    if outcome.verdict == Verdict.STOP:
        stop(account, outcome.reason, detail=detail, now=now)
    elif outcome.reason in LIMIT_REASONS:
        rest(account, outcome.reason, limit_frees(account, now), detail, now)
    else:
        failures = account.failures_in_a_row + 1
        seconds = account_backoff_seconds(failures, _random.uniform(-1, 1))
        until = now + dt.timedelta(seconds=seconds)
        EmailAccount.objects.filter(pk=account_id).update(failures_in_a_row=failures)
        rest(account, outcome.reason, until, detail, now)
        if failures >= ALERT_AFTER_FAILURES:
            alert(account, outcome.reason, now)


def is_resting(account: EmailAccount, now: dt.datetime) -> bool:
    """A pause without an end is a person's: no fault of the server shortens it."""
    return account.state == State.PAUSED and (
        account.paused_until is None or account.paused_until > now
    )


def stop(account: EmailAccount, reason: str, *, detail: str, now: dt.datetime) -> None:
    """Until a person mends it; says so once."""
    set_state(account, State.STOPPED, reason, None, detail, now)
    alert(account, reason, now)
    transaction.on_commit(
        lambda: account_stopped.send(EmailAccount, email_account=account, reason=reason)
    )


def rest(
    account: EmailAccount,
    reason: str,
    until: dt.datetime,
    detail: str,
    now: dt.datetime,
) -> None:
    set_state(account, State.PAUSED, reason, until, detail, now)


def set_state(
    account: EmailAccount,
    state: str,
    reason: str,
    until: dt.datetime | None,
    detail: str,
    now: dt.datetime,
    by: Any = None,
) -> None:
    EmailAccount.objects.filter(pk=account.pk).update(
        state=state, state_reason=reason, paused_until=until, last_error=detail[:500]
    )
    AccountEvent.objects.create(
        email_account=account,
        occurred_at=now,
        state=state,
        reason=reason,
        detail=detail[:500],
        by=by,
    )


def alert(account: EmailAccount, reason: str, now: dt.datetime) -> None:
    Alert.objects.raise_once(
        cause=account_cause(account.pk),
        recipient=account.owner,
        text=f"{account}: {HELP.get(reason, reason)}"[:1000],
        now=now,
    )


def limit_frees(account: EmailAccount, now: dt.datetime) -> dt.datetime:
    """When a provider's daily limit gives way: as our oldest mail of the day ages out.

    At least an hour, since the provider may have counted mail of other programs.
    """
    day = dt.timedelta(hours=24)
    attempts = SendAttempt.objects.filter(
        email_account=account, occurred_at__gt=now - day
    )
    oldest = attempts.order_by("occurred_at").values_list("occurred_at", flat=True)
    first = oldest.first() or now
    return max(first + day, now + dt.timedelta(hours=1))


def wake_up(now: dt.datetime) -> int:
    """Accounts whose pause is over go on; the failure count stays until one works."""
    over = EmailAccount.objects.filter(state=State.PAUSED, paused_until__lte=now)
    if not over.exists():
        return 0
    return over.update(state=State.ACTIVE, state_reason="", paused_until=None)


@transaction.atomic
def account_worked(account_id: int, now: dt.datetime) -> None:
    """A mail was accepted: forget earlier failures and close the alert."""
    EmailAccount.objects.filter(pk=account_id, failures_in_a_row__gt=0).update(
        failures_in_a_row=0
    )
    Alert.objects.close(cause=account_cause(account_id), now=now)


@transaction.atomic
def reactivate(account: EmailAccount, *, by: Any, now: dt.datetime) -> None:
    """A person mended it: the queue goes on, and what failed before counts no more."""
    EmailAccount.objects.filter(pk=account.pk).update(
        failures_in_a_row=0, updated_at=timezone.now()
    )
    set_state(account, State.ACTIVE, "", None, "", now, by)
    Alert.objects.close(cause=account_cause(account.pk), now=now)


@transaction.atomic
def pause(
    account: EmailAccount, *, by: Any, until: dt.datetime | None, now: dt.datetime
) -> None:
    """A person's pause; without an end it lasts until the account is activated.

    Raises WrongState for a stopped account: why it stopped must stay to be seen.
    """
    locked = EmailAccount.objects.select_for_update().get(pk=account.pk)
    if locked.state == State.STOPPED:
        raise WrongState(_("The account is stopped already."))
    reason = _("Paused by %(person)s.") % {"person": by.get_username()}
    set_state(locked, State.PAUSED, reason[:300], until, "", now, by)
