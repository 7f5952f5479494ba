"""How fast a mailing goes, and the state of its accounts, in words."""

from __future__ import annotations

import datetime as dt

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from massmail.models import EmailAccount
from massmail.reports.pace import Pace
from massmail.site.account_facts import tone_of
from massmail.site.moments import moment_text


def number(value: int) -> str:
    return str(number_format(value, force_grouping=True))


def pace_texts(pace: Pace, waiting: int, now: dt.datetime) -> dict[str, str]:
    """What was sent today, and at this pace until when; "" for what is nothing."""
    return {
        "today": _("%(count)s sent today.") % {"count": number(pace.today)}
        if pace.today
        else "",
        "pace": pace_text(pace, waiting, now),
    }


def pace_text(pace: Pace, waiting: int, now: dt.datetime) -> str:
    end = pace.end_of(waiting, now)
    if end is None:
        return ""
    text = _("%(count)s in the last hour; at this pace until %(end)s.")
    return text % {"count": number(pace.last_hour), "end": moment_text(end)}


def account_facts(account: EmailAccount, now: dt.datetime) -> dict[str, str]:
    tone = tone_of(account, now)
    return {"name": account.name, "tone": tone.value, "words": str(tone.label)}
