"""How an account fares, in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, QuerySet, TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from massmail.backends.causes import Cause
from massmail.backends.oauth2 import provider_named
from massmail.models import (
    AccountEvent,
    EmailAccount,
    MassmailSettings,
    SendAttempt,
)
from massmail.models.planned_accounts import waiting_for
from massmail.orchestrator.waiting import explain_account
from massmail.sending.outcomes import HELP
from massmail.sending.quotas import DAY, HOUR, limits_at
from massmail.site.moments import when

State = EmailAccount.State
HISTORY_LENGTH = 20


class Tone(TextChoices):
    """What a traffic light would show; the words go with it."""

    GOOD = "good", gettext_lazy("active")
    RESTING = "resting", gettext_lazy("resting")
    STOPPED = "stopped", gettext_lazy("stopped")
    UNCONNECTED = "unconnected", gettext_lazy("not connected")


@dataclass(frozen=True)
class Health:
    """The account's state: what it is, what to do, what the server said last."""

    tone: Tone
    # What the light shows.
    shown: Tone
    sentence: str
    help_text: str
    server_words: str

    @property
    def is_good(self) -> bool:
        return self.tone == Tone.GOOD

    @property
    def is_stopped(self) -> bool:
        return self.tone == Tone.STOPPED


@dataclass(frozen=True)
class Usage:
    """Mails begun in the window that ends now; no limit is None."""

    window: str
    used: int
    limit: int | None

    @property
    def is_full(self) -> bool:
        return self.limit is not None and self.used >= self.limit


def tone_of(account: EmailAccount, now: dt.datetime) -> Tone:
    """A pause that is over counts as none: the next walk ends it."""
    if account.state == State.STOPPED:
        return Tone.STOPPED
    until = account.paused_until
    if account.state == State.PAUSED and (until is None or until > now):
        return Tone.RESTING
    return Tone.GOOD


def shown_tone(account: EmailAccount, now: dt.datetime) -> Tone:
    """Nothing has stopped an account that waits for its provider's consent."""
    tone = tone_of(account, now)
    is_ready = account.is_connected or provider_named(account.auth) is None
    return tone if is_ready or tone != Tone.GOOD else Tone.UNCONNECTED


def health_of(account: EmailAccount, now: dt.datetime) -> Health:
    tone, shown = tone_of(account, now), shown_tone(account, now)
    return Health(
        tone,
        shown,
        sentence_of(account, shown, now),
        "" if tone == Tone.GOOD else reason_in_words(account.state_reason),
        server_words(account.last_error),
    )


def sentence_of(account: EmailAccount, tone: Tone, now: dt.datetime) -> str:
    if tone == Tone.UNCONNECTED:
        return _("It sends nothing before it is connected.")
    if tone == Tone.STOPPED and account.state_reason == Cause.NEEDS_RECONNECTING:
        return _("It sends nothing until it is connected again.")
    if tone == Tone.STOPPED:
        return _(
            "It sends nothing until the cause is mended and it is activated again."
        )
    if tone == Tone.RESTING:
        if account.paused_until is None:
            return _("It sends nothing until it is activated again.")
        text = _("It continues by itself %(when)s.")
        return text % {"when": when(account.paused_until)}
    found = explain_account(account, now=now)
    if found.next_at is None or found.next_at <= now:
        return found.reason
    text = _("%(why)s It continues %(when)s.")
    return text % {"why": found.reason, "when": when(found.next_at)}


def reason_in_words(reason: str) -> str:
    """The sender stores a code word, people what they typed."""
    return str(HELP.get(reason, reason))


def server_words(detail: str) -> str:
    """What the other side said; our own code word before it says nothing to people."""
    cause = Cause.of(detail)
    return detail.removeprefix(str(cause)).lstrip(": ") if cause else detail


def usages_of(account: EmailAccount, now: dt.datetime) -> list[Usage]:
    """What the limits count: every message handed over, whatever the answer."""
    allowed = dict(limits_at(account, MassmailSettings.load(), now))
    windows = [(HOUR, _("in the last hour")), (DAY, _("in the last 24 hours"))]
    return [
        Usage(words, attempts(now - window, [account]).count(), allowed.get(window))
        for window, words in windows
    ]


def attempts(
    since: dt.datetime, accounts: Iterable[EmailAccount]
) -> QuerySet[SendAttempt]:
    return SendAttempt.objects.filter(
        email_account__in=list(accounts), occurred_at__gte=since
    ).order_by()


def usages_today(
    accounts: Iterable[EmailAccount], now: dt.datetime
) -> dict[int, Usage]:
    """{account id: its last 24 hours}; two queries for all of them."""
    accounts = list(accounts)
    settings = MassmailSettings.load()
    counted = attempts(now - DAY, accounts).values_list("email_account")
    # Not of a key: PostgreSQL would read each row for it.
    used = dict(counted.annotate(count=Count("*")))
    return {
        account.pk: Usage(
            "",
            used.get(account.pk, 0),
            dict(limits_at(account, settings, now)).get(DAY),
        )
        for account in accounts
    }


def waiting_count(account: EmailAccount) -> int:
    """Recipients that wait for this account and for no other."""
    return waiting_for(account).filter(mailing__isnull=False).count()


def history_of(account: EmailAccount) -> list[dict[str, object]]:
    events = AccountEvent.objects.filter(email_account=account).select_related("by")
    return [
        {
            "occurred_at": event.occurred_at,
            "state": event.get_state_display(),
            "reason": reason_in_words(event.reason),
            "server_words": server_words(event.detail),
            "by": event.by,
        }
        for event in events[:HISTORY_LENGTH]
    ]
