"""Why people leave, if they care to say so."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from common.utils.helpers import one_line

MAX_WORDS = 300


class LeavingReason(TextChoices):
    TOO_MANY = "too_many", _("Too many mails")
    NOT_RELEVANT = "not_relevant", _("Not interesting for me")
    NEVER_ASKED = "never_asked", _("I never asked for them")
    OTHER = "other", _("Another reason")


def reason_text(fields: Mapping[str, str]) -> str:
    """The posted choice and words, as they are kept with the event; "" for none."""
    chosen = fields.get("reason", "")
    words = one_line(fields.get("words", ""), MAX_WORDS)
    known = chosen if chosen in LeavingReason.values else ""
    return ": ".join(filter(None, [known, words]))
