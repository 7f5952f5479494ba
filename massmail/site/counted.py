"""Rows in words: “1 mailing”, “5 mailings”.

A model's own two names are too few: other languages have more forms.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import ngettext_lazy

from massmail.models import (
    Delivery,
    EmlMessage,
    MailingOut,
    MessageVersion,
    Signature,
    TrackedLink,
)
from massmail.site.mailing_pace import number

WORDS: dict[type[models.Model], Any] = {
    Delivery: ngettext_lazy("%(number)s delivery", "%(number)s deliveries", "count"),
    EmlMessage: ngettext_lazy("%(number)s message", "%(number)s messages", "count"),
    MailingOut: ngettext_lazy("%(number)s mailing", "%(number)s mailings", "count"),
    MessageVersion: ngettext_lazy(
        "%(number)s message version", "%(number)s message versions", "count"
    ),
    Signature: ngettext_lazy("%(number)s signature", "%(number)s signatures", "count"),
    TrackedLink: ngettext_lazy(
        "%(number)s tracked link", "%(number)s tracked links", "count"
    ),
}


def counted(model: type[models.Model], count: int) -> str:
    text: str = WORDS[model] % {"count": count, "number": number(count)}
    return text
