"""What an account's provider allows, in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from massmail.backends.presets import PRESETS, Preset
from massmail.models import EmailAccount, MassmailSettings
from massmail.sending.quotas import target_per_day
from massmail.sending.warm_up import daily_limit
from massmail.site.mailing_facts import number


def per_minute(limit: int) -> str:
    return ngettext(
        "%(limit)s message a minute", "%(limit)s messages a minute", limit
    ) % {"limit": number(limit)}


def per_hour(limit: int) -> str:
    return ngettext(
        "%(limit)s message an hour", "%(limit)s messages an hour", limit
    ) % {"limit": number(limit)}


def per_day(limit: int) -> str:
    return ngettext("%(limit)s message a day", "%(limit)s messages a day", limit) % {
        "limit": number(limit)
    }


WORDS: dict[str, Callable[[int], str]] = {
    "per_minute": per_minute,
    "per_hour": per_hour,
    "per_day": per_day,
}


def stated_limits(account: EmailAccount) -> dict[str, str]:
    """A sentence and its source, for accounts of a known provider."""
    preset = PRESETS.get(account.preset)
    if preset is None or not preset.limits:
        return {}
    limits = ", ".join(WORDS[name](limit) for name, limit in preset.limits.items())
    facts = {"provider": preset.label, "limits": limits}
    if preset.is_guess:
        text = _("%(provider)s publishes no limit; a safe one is %(limits)s.")
    else:
        text = _("%(provider)s allows %(limits)s.")
    return {"words": text % facts, "source": preset.source}


def warm_up_words(account: EmailAccount, now: dt.datetime) -> str:
    """How far a warm-up is; "" where there is none, or none any more."""
    settings = MassmailSettings.load()
    target = target_per_day(account, settings)
    limit = daily_limit(account, target, now)
    if limit >= target:
        return ""
    growth = account.warm_up_growth
    if account.warm_up_began_at is None:
        text = _("Warm-up begins with the first message: %(limit)s on the first day.")
        return text % {"limit": number(limit)}
    text = _(
        "Warming up: %(limit)s a day now, %(growth)s more each day until %(target)s."
    )
    facts = {"limit": limit, "growth": growth, "target": target}
    return text % {name: number(value) for name, value in facts.items()}


def limit_warnings(account: EmailAccount) -> Iterator[str]:
    """Where the account may send more than its provider takes."""
    preset = PRESETS.get(account.preset)
    if preset is None:
        return
    for name, limit in preset.limits.items():
        own = getattr(account, name)
        if own is not None and own > limit:
            yield exceeded(preset, WORDS[name](limit))
    if account.max_connections > preset.max_connections:
        text = _("%(provider)s allows %(count)s connections at a time.")
        yield text % {"provider": preset.label, "count": preset.max_connections}


def exceeded(preset: Preset, words: str) -> str:
    text = _(
        "This account may send more than %(provider)s takes: %(limit)s. Beyond that "
        "the provider refuses, or blocks the mailbox."
    )
    return text % {"provider": preset.label, "limit": words}
