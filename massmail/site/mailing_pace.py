"""How fast a mailing goes, and the state of its accounts, in words."""

from __future__ import annotations

import datetime as dt

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from massmail.models import EmailAccount
from massmail.reports.pace import HOUR, Pace
from massmail.sending import timetable
from massmail.sending.business_time import BusinessTime
from massmail.site.account_facts import tone_of
from massmail.site.moments import moment_text


def number(value: int) -> str:
    return str(number_format(value, force_grouping=True))


def pace_texts(
    pace: Pace, waiting: int, now: dt.datetime, hours: BusinessTime | None
) -> dict[str, str]:
    """What was sent today, and at this pace until when; "" for what is nothing."""
    return {
        "today": _("%(count)s sent today.") % {"count": number(pace.today)}
        if pace.today
        else "",
        "pace": pace_text(pace, waiting, now, hours),
    }


def pace_text(
    pace: Pace, waiting: int, now: dt.datetime, hours: BusinessTime | None
) -> str:
    end = end_at(pace, waiting, now, hours)
    if end is None:
        return ""
    text = _("%(count)s in the last hour; at this pace until %(end)s.")
    return text % {"count": number(pace.last_hour), "end": moment_text(end)}


def end_at(
    pace: Pace, waiting: int, now: dt.datetime, hours: BusinessTime | None
) -> dt.datetime | None:
    """When it ends if it goes on like this in those hours; None while it does not."""
    if not waiting or not pace.last_hour:
        return None
    alike = timetable.Pace((), HOUR.total_seconds() / pace.last_hour, 0)
    queue = timetable.Queue(waiting, hours)
    return timetable.finish_time(alike, queues=[queue], start=now)


def account_facts(account: EmailAccount, now: dt.datetime) -> dict[str, str]:
    tone = tone_of(account, now)
    return {"name": account.name, "tone": tone.value, "words": str(tone.label)}
