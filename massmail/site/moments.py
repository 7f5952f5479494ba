"""Moments as people read them, in the site's zone, which is named."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _


def is_today(moment: dt.datetime) -> bool:
    return timezone.localtime(moment).date() == timezone.localdate()


def moment_text(moment: dt.datetime) -> str:
    """A time of today, or a day and a time."""
    local = timezone.localtime(moment)
    style = "TIME_FORMAT" if is_today(moment) else "DATETIME_FORMAT"
    return f"{date_format(local, style)} {local.tzname()}"


def when(moment: dt.datetime) -> str:
    """The same for the end of a sentence."""
    if is_today(moment):
        return _("at %(time)s") % {"time": moment_text(moment)}
    return _("on %(day)s") % {"day": moment_text(moment)}
