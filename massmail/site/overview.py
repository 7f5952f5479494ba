"""What the index of Mass mail tells before its lists: what runs, and what needs me."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib.admin import AdminSite
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from massmail.models import EmailAccount, MailingOut
from massmail.models.mailing_out import SENDING_STATUSES
from massmail.recipients.access import access_policy
from massmail.reports.days import latest_days
from massmail.reports.recent_counts import recent_counts
from massmail.reports.statistics import Group, Progress
from massmail.site.account_facts import reason_in_words
from massmail.site.beginnings import create_url
from massmail.site.first_steps import first_steps
from massmail.site.links import admin_url, url_if_visible
from massmail.site.mailing_facts import Counts, list_facts, number, recipients_url

Facts = dict[str, Any]
# How many of a kind are named; the lists have all of them.
NAMED = 5
# How far back failed messages are still news.
NEWS = dt.timedelta(days=7)
# So many of the latest mailings are looked at for what needs a person.
LOOKED_AT = 50


def overview(site: AdminSite, request: HttpRequest) -> Facts:
    """Nothing but what the person may see; bounded, however much there is."""
    now = timezone.now()
    visible = access_policy().visible(request.user, MailingOut.objects.all())
    recent = visible.filter(
        Q(finished_at=None) | Q(finished_at__gte=now - NEWS - dt.timedelta(days=1)),
        launched_at__isnull=False,
    )
    going = list(under_way(recent)[: NAMED + 1])
    latest = list(mine(request.user, recent).order_by("-launched_at")[:LOOKED_AT])
    counts = recent_counts({*going[:NAMED], *latest})
    return {
        "running": running(site, going, counts),
        "needs": needs(site, request, latest, counts),
        "days": latest_days(recent, now=now),
        "steps": first_steps(site, request),
        "drafts": drafts(site, request.user, visible),
        "progress_url": admin_url(site, MailingOut, "list_progress"),
        "list_url": admin_url(site, MailingOut),
        "create_url": create_url(site, request),
    }


def mine(user: Any, rows: QuerySet) -> QuerySet:
    """Rows that wait for this person; superusers look after everybody's."""
    return rows if user.is_superuser else rows.filter(owner=user)


def under_way(mailings: QuerySet[MailingOut]) -> QuerySet[MailingOut]:
    rows = mailings.filter(status__in=SENDING_STATUSES, stop_reason="")
    return rows.order_by("-launched_at")


def running(site: AdminSite, mailings: list[MailingOut], counts: Counts) -> Facts:
    """The first few of them with their progress, and whether there are more."""
    shown = mailings[:NAMED]
    facts = list_facts(shown, counts)
    return {
        "mailings": [
            {"mailing": row, "facts": facts[row.pk], "url": admin_url(site, row)}
            for row in shown
        ],
        "has_more": len(mailings) > NAMED,
    }


def needs(
    site: AdminSite, request: HttpRequest, mailings: list[MailingOut], counts: Counts
) -> list[Facts]:
    """What stands still until this person does something; the gravest first."""
    found = [*stopped_accounts(site, request), *stopped_mailings(site, mailings)]
    for row in mailings:
        groups = Progress(counts[row.pk]).groups
        if groups[Group.UNCERTAIN]:
            url = admin_url(site, row, "uncertain")
            found.append(need(row.name, uncertain_text(groups[Group.UNCERTAIN]), url))
        if groups[Group.FAILED]:
            url = recipients_url(site, row, Group.FAILED)
            found.append(need(row.name, failed_text(groups[Group.FAILED]), url))
    return found


def need(name: str, text: str, url: str) -> Facts:
    return {"name": name, "text": text, "url": url}


def stopped_accounts(site: AdminSite, request: HttpRequest) -> list[Facts]:
    rows = mine(request.user, EmailAccount.objects.all())
    return [
        need(
            account.name,
            _("The account is stopped: %(why)s")
            % {"why": reason_in_words(account.state_reason) or "–"},
            url_if_visible(site, request, account),
        )
        for account in rows.filter(state=EmailAccount.State.STOPPED)[:NAMED]
    ]


def stopped_mailings(site: AdminSite, mailings: list[MailingOut]) -> list[Facts]:
    return [
        need(row.name, _("The mailing is stopped."), admin_url(site, row))
        for row in mailings
        if row.stop_reason and row.status in SENDING_STATUSES
    ]


def uncertain_text(count: int) -> str:
    text = ngettext(
        "%(number)s message is uncertain: decide what becomes of it.",
        "%(number)s messages are uncertain: decide what becomes of them.",
        count,
    )
    return text % {"number": number(count)}


def failed_text(count: int) -> str:
    text = ngettext("%(number)s message failed.", "%(number)s messages failed.", count)
    return text % {"number": number(count)}


def drafts(site: AdminSite, user: Any, mailings: QuerySet[MailingOut]) -> list[Facts]:
    """Own mailings that are not launched yet, those changed last first."""
    rows = mailings.filter(
        owner=user, status=MailingOut.Status.PAUSED, launched_at=None
    )
    return [
        {"name": row.name, "url": admin_url(site, row)}
        for row in rows.order_by("-updated_at")[:NAMED]
    ]
