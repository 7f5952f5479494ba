"""Which account sends how many until when; in the end, which has sent how many."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.admin import AdminSite
from django.db.models import Count
from django.http import HttpRequest

from massmail.models import Delivery, EmailAccount, MailingOut
from massmail.orchestrator.forecast import AccountForecast, forecast
from massmail.reports.statistics import Group, Progress
from massmail.site.links import url_if_visible
from massmail.site.moments import moment_text

Facts = dict[str, Any]


def forecast_facts(
    site: AdminSite, request: HttpRequest, mailing: MailingOut, progress: Progress
) -> Facts:
    """Which account sends how many until when; in the end, which has sent how many.

    Each with the account's page, where it says why it does not send.
    """
    facts = ended_facts(mailing) if mailing.is_final else outlook(mailing, progress)
    for share in facts["accounts"]:
        share["url"] = url_if_visible(site, request, share["account"])
    return facts


def ended_facts(mailing: MailingOut) -> Facts:
    return {"is_final": True, "accounts": sent_by_account(mailing)}


def outlook(mailing: MailingOut, progress: Progress) -> Facts:
    found = forecast(mailing)
    shares = [share for share in found.accounts if share.waiting]
    waiting = progress.groups[Group.WAITING]
    return {
        "is_draft": mailing.is_draft,
        "is_preparing": mailing.prepared_at is None,
        "is_held": mailing.status == MailingOut.Status.PAUSED
        or bool(mailing.stop_reason),
        "waiting": waiting,
        "without_account": without_account(mailing, waiting, shares),
        "finish": moment_text(found.finish_at) if found.finish_at else "",
        "too_late": found.too_late,
        "end": moment_text(mailing.expires_at) if mailing.expires_at else "",
        "accounts": [
            {
                "account": share.account,
                "count": share.waiting,
                "finish": moment_text(share.finish_at) if share.finish_at else "",
            }
            for share in shares
        ],
    }


def without_account(
    mailing: MailingOut, waiting: int, shares: Iterable[AccountForecast]
) -> int:
    """Of a draft; once launched, such rows are skipped, with a reason of their own."""
    if not mailing.is_draft:
        return 0
    return max(waiting - sum(share.waiting for share in shares), 0)


def sent_by_account(mailing: MailingOut) -> list[Facts]:
    rows = mailing.deliveries.filter(status=Delivery.Status.SENT).order_by()
    counted = rows.values_list("email_account").annotate(count=Count("pk"))
    counts = dict(counted)
    accounts = EmailAccount.objects.filter(pk__in=counts).order_by("name")
    return [{"account": account, "count": counts[account.pk]} for account in accounts]
