"""What one look into a mailbox came to, in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, ngettext_lazy

from massmail.inbound.kinds import ReturnKind
from massmail.inbound.mailbox_help import help_for
from massmail.orchestrator.polling import Poll
from massmail.site.mailing_pace import number
from massmail.site.moments import when

KINDS: dict[str, Any] = {
    ReturnKind.BOUNCE: ngettext_lazy(
        "%(number)s bounce", "%(number)s bounces", "count"
    ),
    ReturnKind.DELAY: ngettext_lazy(
        "%(number)s notice of a delay", "%(number)s notices of a delay", "count"
    ),
    ReturnKind.COMPLAINT: ngettext_lazy(
        "%(number)s complaint", "%(number)s complaints", "count"
    ),
    ReturnKind.AUTO_REPLY: ngettext_lazy(
        "%(number)s automatic reply", "%(number)s automatic replies", "count"
    ),
    ReturnKind.REPLY: ngettext_lazy("%(number)s reply", "%(number)s replies", "count"),
    ReturnKind.UNSUBSCRIBE: ngettext_lazy(
        "%(number)s request to unsubscribe",
        "%(number)s requests to unsubscribe",
        "count",
    ),
    ReturnKind.RECEIPT: ngettext_lazy(
        "%(number)s receipt", "%(number)s receipts", "count"
    ),
}


def counted_kinds(kinds: Mapping[str, int]) -> str:
    """“2 bounces, 1 reply”, in the order of the kinds."""
    counts = {kind: kinds.get(kind, 0) for kind in KINDS}
    return ", ".join(
        str(KINDS[kind] % {"count": count, "number": number(count)})
        for kind, count in counts.items()
        if count
    )


def poll_words(poll: Poll, now: dt.datetime) -> str:
    """What somebody reads who has pressed the button."""
    if poll.state == "busy":
        return _("The mailbox is being read just now. Look again in a moment.")
    if poll.state == "off":
        return _("This account reads no mailbox: it needs the switch and a server.")
    if poll.has_failed:
        return failure_words(poll)
    return " ".join(
        filter(None, (read_words(poll), proof_words(poll), words_of_rest(poll, now)))
    )


def read_words(poll: Poll) -> str:
    if poll.kinds:
        text = _("The mailbox was read. Found: %(what)s.")
        return text % {"what": counted_kinds(poll.kinds)}
    if not poll.looked_at:
        return _("The mailbox was read. There is no new mail.")
    text = ngettext(
        "The mailbox was read: %(number)s new mail, not about your mailings.",
        "The mailbox was read: %(number)s new mails, none about your mailings.",
        poll.looked_at,
    )
    return text % {"number": number(poll.looked_at)}


def proof_words(poll: Poll) -> str:
    if not poll.proved:
        return ""
    text = ngettext(
        "A copy among the sent mail proves that %(number)s uncertain message left.",
        "Copies among the sent mail prove that %(number)s uncertain messages left.",
        poll.proved,
    )
    return text % {"number": number(poll.proved)}


def words_of_rest(poll: Poll, now: dt.datetime) -> str:
    has_more = poll.next_at is not None and poll.next_at <= now
    return _("There is more to read; that goes on by itself.") if has_more else ""


def failure_words(poll: Poll) -> str:
    parts = [_("The mailbox cannot be read."), help_for(poll.reason)]
    if poll.words:
        parts.append(_("Its words: “%(words)s”") % {"words": poll.words[:300]})
    if poll.next_at is not None:
        parts.append(_("It is tried again %(when)s.") % {"when": when(poll.next_at)})
    return " ".join(parts)
