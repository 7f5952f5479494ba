"""What happened to a mail after its sending, in the words of people."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, NamedTuple

from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from massmail.models import Delivery, DeliveryEvent
from massmail.models.bounce import Bounce, BounceSort
from massmail.models.delivery_event import TRACKED_KINDS
from massmail.site.mailing_responses import LABELS, LEFT_THE_LIST
from massmail.site.reasons import reason_words

Kind = DeliveryEvent.Kind
# So many events are shown; scanners and reloads make hundreds.
MOST_SHOWN = 50
CAME_BACK = {
    Kind.BOUNCED: LABELS[Kind.BOUNCED],
    Kind.COMPLAINED: LABELS[Kind.COMPLAINED],
    Kind.UNSUBSCRIBED: LABELS[Kind.UNSUBSCRIBED],
    Kind.LEFT_LIST: LEFT_THE_LIST,
    Kind.REPLIED: LABELS[Kind.REPLIED],
    Kind.AUTO_REPLIED: LABELS[Kind.AUTO_REPLIED],
}
# Whose detail is what somebody wrote, as a subject.
WITH_SUBJECT = (Kind.REPLIED, Kind.AUTO_REPLIED)


class Told(NamedTuple):
    """`text` in our words, `words` in those of others; each may be empty."""

    text: str = ""
    words: str = ""


def told_of(kind: str, detail: str) -> Told:
    """What an event's detail says."""
    if kind == Kind.BOUNCED:
        return told_of_bounce(Bounce.of(detail))
    return Told(words=detail) if kind in WITH_SUBJECT else Told()


def told_of_bounce(bounce: Bounce) -> Told:
    if bounce.sort == BounceSort.FORWARDED:
        text = _("a mailbox to which this one forwards: %(reason)s")
        return Told(text % {"reason": reason_words(bounce.reason)}, bounce.words)
    return Told(reason_words(bounce.reason), bounce.words)


def came_back(
    moments: Mapping[str, dt.datetime], details: Mapping[str, str]
) -> list[dict[str, Any]]:
    """What a recipient, or a server of theirs, sent us; by kind of event."""
    return [
        {"label": label, "moment": moments[kind], "told": told_of(kind, details[kind])}
        for kind, label in CAME_BACK.items()
        if kind in moments
    ]


def what_happened(delivery: Delivery) -> str:
    """The latest events first, without what machines opened; "" for none."""
    events = delivery.events.exclude(kind__in=TRACKED_KINDS, is_machine=True)
    rows = [
        {
            "moment": event.occurred_at,
            "label": LABELS.get(event.kind) or event.get_kind_display(),
            "by": event.by,
            "told": told_of(event.kind, event.detail),
        }
        for event in events.select_related("by")[:MOST_SHOWN]
    ]
    template = "admin/massmail/delivery/events.html"
    return render_to_string(template, {"events": rows}) if rows else ""
