"""What a look into a mailbox leaves behind: when the next one is, and who must know."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from massmail.backends.imap_failures import ImapFailure
from massmail.conf import conf
from massmail.inbound.mailbox_help import NEEDS_PERSON, help_for
from massmail.models import Alert, EmailAccount, Mailbox
from massmail.models.alert import mailbox_cause
from massmail.sending.outcomes import account_backoff_seconds

ALERT_AFTER_FAILURES = 5
_random = random.SystemRandom()


@transaction.atomic
def mailbox_read(
    mailbox: Mailbox,
    account: EmailAccount,
    *,
    kinds: Mapping[str, int],
    searched_up_to: int,
    has_more: bool,
    now: dt.datetime,
) -> dt.datetime:
    """All went well; returns when the next look is."""
    seconds = 0.0 if has_more else conf.MAILBOX_SECONDS
    next_at = now + dt.timedelta(seconds=seconds)
    held = give_back(
        mailbox,
        account,
        now,
        read_at=now,
        next_poll_at=next_at,
        failures_in_a_row=0,
        reason="",
        last_error="",
        searched_up_to=searched_up_to,
        **found(kinds, now),
    )
    if held:
        Alert.objects.close(cause=mailbox_cause(account.pk), now=now)
    return next_at


@transaction.atomic
def mailbox_failed(
    mailbox: Mailbox,
    account: EmailAccount,
    failure: ImapFailure,
    *,
    kinds: Mapping[str, int],
    now: dt.datetime,
) -> dt.datetime | None:
    """Returns when it is tried again; None: not before a person has mended it."""
    failures = mailbox.failures_in_a_row + 1
    is_stopped = failure.reason in NEEDS_PERSON
    next_at = None if is_stopped else now + pause(failures)
    held = give_back(
        mailbox,
        account,
        now,
        next_poll_at=next_at,
        failures_in_a_row=failures,
        reason=failure.reason,
        last_error=failure.words,
        **found(kinds, now),
    )
    if held and (is_stopped or failures >= ALERT_AFTER_FAILURES):
        raise_alert(account, failure.reason, now)
    return next_at


def found(kinds: Mapping[str, int], now: dt.datetime) -> dict[str, Any]:
    """What was taken in before a failure was found, too."""
    return {"found": dict(kinds), "found_at": now} if kinds else {}


def give_back(
    mailbox: Mailbox, account: EmailAccount, now: dt.datetime, **facts: Any
) -> int:
    """0 for a worker that came too late to say anything."""
    facts |= {"tried_at": now, "tried_with": account.updated_at}
    return Mailbox.objects.give_back(mailbox.lease_token, **facts)


def pause(failures: int) -> dt.timedelta:
    """As long as an account rests that cannot send."""
    seconds = account_backoff_seconds(failures, _random.uniform(-1, 1))
    return dt.timedelta(seconds=seconds)


def raise_alert(account: EmailAccount, reason: str, now: dt.datetime) -> None:
    """Not for settings that somebody has edited since: they may be mended."""
    rows = EmailAccount.objects.filter(pk=account.pk, updated_at=account.updated_at)
    if not rows.exists():
        return
    text = _("%(account)s: its mailbox is not read. %(help)s")
    Alert.objects.raise_once(
        cause=mailbox_cause(account.pk),
        recipient=account.owner,
        text=(text % {"account": account, "help": help_for(reason)})[:1000],
        now=now,
    )


def close_needless_alerts(reading: set[int], now: dt.datetime) -> None:
    """Of accounts that read no mailbox any more, or are gone."""
    alerts = Alert.objects.filter(closed_at=None)
    alerts = alerts.filter(cause__startswith=mailbox_cause(""))
    if alerts.exists():
        causes = [mailbox_cause(pk) for pk in reading]
        alerts.exclude(cause__in=causes).update(closed_at=now)
