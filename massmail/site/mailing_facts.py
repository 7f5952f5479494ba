"""What the pages of mailings tell: the same facts for a page and for its refreshes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, npgettext

from massmail.models import Delivery, MailingOut
from massmail.models.mailing_out import SENDING_STATUSES
from massmail.orchestrator.circumstances import Circumstances, Explanation
from massmail.orchestrator.explain import explain
from massmail.recipients.access import access_policy
from massmail.reports.pace import Pace, paces
from massmail.reports.recent_counts import recent_counts
from massmail.reports.statistics import Group, Progress, reason_counts
from massmail.sending.business_time import business_time
from massmail.site.forecast_facts import forecast_facts
from massmail.site.links import admin_url
from massmail.site.mailing_pace import account_facts, number, pace_texts
from massmail.site.mailing_responses import return_facts
from massmail.site.moments import when
from massmail.site.reasons import reason_words

Facts = dict[str, Any]
# By a mailing's id, its rows by state.
Counts = Mapping[int, Mapping[str, int]]
# A moment nearer than this is now.
SOON = dt.timedelta(seconds=5)
# So many running mailings of a list are asked what they wait for.
EXPLAINED = 10
# With more recipients, what looks at all of them comes when the page is there already.
MANY = 5000
# Buttons that need the right to another action.
RIGHTS = {"schedule": "pause"}


def page_facts(
    site: AdminSite,
    request: HttpRequest,
    mailing: MailingOut,
    *,
    with_forecast: bool = True,
) -> Facts:
    """All that the mailing's page shows and its refreshes bring.

    The forecast is not for every refresh: it looks at all waiting rows.
    """
    progress = Progress(recent_counts([mailing])[mailing.pk])
    fragments: dict[str, Facts] = {
        "reasons": {
            "groups": reason_groups(site, mailing, progress),
            "is_preparing": is_preparing(mailing),
            "unadded": unadded(mailing) if mailing.is_final else 0,
        },
        "returns": {"returns": return_facts(site, mailing)},
    }
    if with_forecast:
        fragments["forecast"] = forecast_facts(site, request, mailing, progress)
    return {
        **row_facts(mailing, progress, explain(mailing)),
        "preparing": preparing_facts(mailing),
        "actions": actions(mailing, request.user),
        "fragments": {
            name: render_to_string(f"admin/massmail/mailingout/{name}.html", context)
            for name, context in fragments.items()
        },
    }


def list_facts(
    mailings: Iterable[MailingOut], counts: Counts | None = None
) -> dict[int, Facts]:
    """By id, for a page of the list; the cost does not grow with its length.

    `counts` are those of the states, if they are known.
    """
    mailings = list(mailings)
    counts = recent_counts(mailings) if counts is None else counts
    live = [mailing.pk for mailing in mailings if is_live(mailing)]
    circumstances = Circumstances(live)
    now, accounts = circumstances.now, circumstances.accounts
    going = paces(live, now=now)
    hours = business_time(circumstances.settings) if going else None
    facts = {}
    for mailing in mailings:
        progress = Progress(counts[mailing.pk])
        explanation = None
        if mailing.pk in live[:EXPLAINED]:
            explanation = explain(mailing, circumstances=circumstances)
        facts[mailing.pk] = row_facts(mailing, progress, explanation)
        facts[mailing.pk]["texts"] |= pace_texts(
            going.get(mailing.pk, Pace()), progress.groups[Group.WAITING], now, hours
        )
        facts[mailing.pk]["accounts"] = [
            account_facts(account, now) for account in accounts.get(mailing.pk, [])
        ]
    return facts


def row_facts(
    mailing: MailingOut, progress: Progress, explanation: Explanation | None
) -> Facts:
    """What a line of the list tells; without an explanation, no sentence."""
    return {
        "status": mailing.status,
        "is_final": mailing.is_final,
        "is_live": is_live(mailing),
        "counts": dict(progress.counts),
        "percent": progress.percent,
        "texts": {
            **number_texts(mailing, progress),
            "status": status_text(mailing),
            "summary": summary(mailing, progress),
            "sentence": explanation.reason if explanation else "",
            "next_at": next_text(mailing, explanation),
        },
        "bar": [
            {"group": part.group.value, "start": part.start, "length": part.length}
            for part in progress.bar
        ],
    }


def is_live(mailing: MailingOut) -> bool:
    """Whether something may change by itself."""
    if mailing.is_final:
        return False
    return not mailing.is_draft or mailing.prepared_at is None


def status_text(mailing: MailingOut) -> str:
    """The stored word, but that a draft, a schedule and a stop have their own."""
    if mailing.is_draft:
        return _("draft")
    if mailing.is_launching:
        return _("being launched")
    if mailing.stop_reason and mailing.status in SENDING_STATUSES:
        return _("stopped")
    if is_scheduled(mailing):
        return _("scheduled")
    return str(mailing.get_status_display())


def is_scheduled(mailing: MailingOut) -> bool:
    """Launched, and to begin later."""
    is_active = mailing.status == MailingOut.Status.ACTIVE
    return bool(is_active and mailing.start_at and mailing.start_at > timezone.now())


def number_texts(mailing: MailingOut, progress: Progress) -> dict[str, str]:
    """Numbers as they are written in the reader's language."""
    numbers = {group.value: count for group, count in progress.groups.items()}
    numbers["chosen"] = max(mailing.recipients_count, progress.total)
    texts = {name: number(value) for name, value in numbers.items()}
    texts["recipients"] = npgettext(
        "beside their number", "recipient", "recipients", numbers["chosen"]
    )
    percent = _("%(percent)s%%") % {"percent": progress.percent}
    return texts | {"percent": "" if mailing.is_draft else percent}


def summary(mailing: MailingOut, progress: Progress) -> str:
    """The bar in words."""
    parts = [
        f"{number(count)} {group.label}"
        for group, count in progress.groups.items()
        if count
    ]
    return ", ".join(parts) or _("no recipients")


def next_text(mailing: MailingOut, explanation: Explanation | None) -> str:
    moment = explanation.next_at if explanation else None
    if mailing.is_final or moment is None or moment <= timezone.now() + SOON:
        return ""
    is_ahead = is_scheduled(mailing)
    text = _("It begins %(when)s.") if is_ahead else _("It continues %(when)s.")
    return text % {"when": when(moment)}


def is_preparing(mailing: MailingOut) -> bool:
    return mailing.prepared_at is None and not mailing.is_final


def unadded(mailing: MailingOut) -> int:
    """How many of the chosen have not become rows."""
    if mailing.prepared_at:
        return 0
    done = mailing.recipients_count
    return max(mailing.selection.get("chosen", done) - done, 0)


def preparing_facts(mailing: MailingOut) -> Facts:
    """How many of the chosen have become rows, or were checked, until all are."""
    if mailing.is_launching:
        return launching_facts(mailing.launching)
    done = mailing.recipients_count
    chosen = done + unadded(mailing)
    text = ngettext(
        "%(done)s of %(chosen)s recipient is added.",
        "%(done)s of %(chosen)s recipients are added.",
        chosen,
    )
    return {
        "is_on": is_preparing(mailing),
        "done": done,
        "chosen": chosen,
        "text": text % {"done": number(done), "chosen": number(chosen)},
    }


def launching_facts(launching: Any) -> Facts:
    done, chosen = launching["done"], launching["of"]
    text = ngettext(
        "%(done)s of %(chosen)s recipient is checked.",
        "%(done)s of %(chosen)s recipients are checked.",
        chosen,
    )
    return {
        "is_on": True,
        "done": done,
        "chosen": chosen,
        "text": text % {"done": number(done), "chosen": number(chosen)},
    }


def actions(mailing: MailingOut, user: Any) -> dict[str, bool]:
    """{what the user may do with it: whether it makes sense now}."""
    policy = access_policy()
    is_sending = mailing.status in SENDING_STATUSES
    is_launched = mailing.launched_at is not None
    is_paused = mailing.status == MailingOut.Status.PAUSED and is_launched
    fits = {
        "launch": mailing.is_draft and mailing.prepared_at is not None,
        "resume": is_paused or (is_sending and bool(mailing.stop_reason)),
        "schedule": is_launched and not mailing.is_final,
        "pause": is_sending and not mailing.stop_reason,
        "cancel": not mailing.is_final,
    }
    return {
        name: fit
        for name, fit in fits.items()
        if policy.may(user, RIGHTS.get(name, name), mailing)
    }


def reason_groups(
    site: AdminSite, mailing: MailingOut, progress: Progress
) -> list[Facts]:
    """Who is not mailed, failed or uncertain, by reason, each with its list."""
    return [
        {
            "label": group.label,
            "group": group.value,
            "count": progress.groups[group],
            "reasons": [
                {
                    "words": reason_words(reason) or _("without a reason"),
                    "count": count,
                    "url": recipients_url(site, mailing, group, reason),
                }
                for reason, count in reasons
            ],
        }
        for group, reasons in reason_counts(mailing, progress).items()
        if progress.groups[group]
    ]


def recipients_url(
    site: AdminSite, mailing: MailingOut, group: str = "", reason: str = ""
) -> str:
    """The mailing's recipients, all or those of a group and reason."""
    query: dict[str, Any] = {"mailing__id__exact": mailing.pk}
    if group:
        query["state"] = str(group)
    if reason:
        query["reason"] = reason
    return admin_url(site, Delivery, **query)
