"""What can be done with a mailing besides sending it: links of its page."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.utils.translation import gettext as _

from massmail.models import MailingOut
from massmail.orchestrator.repeating import may_duplicate
from massmail.recipients.access import access_policy
from massmail.site.beginnings import choices
from massmail.site.links import admin_url

Tool = dict[str, Any]


def tools_of(site: AdminSite, request: HttpRequest, mailing: MailingOut) -> list[Tool]:
    """Those that the person may use and that make sense now."""
    may = access_policy().may
    found = []
    if may_duplicate(request.user, mailing):
        found.append(tool(site, mailing, "duplicate", _("Duplicate…")))
    if not mailing.is_final and may(request.user, "cancel", mailing):
        found += [
            tool(site, mailing, "merge", _("Merge others into it…")),
            tool(
                site,
                mailing,
                "exclude_received",
                _("Leave out who has received this message…"),
            ),
        ]
    if url := same_filters_url(site, request, mailing):
        found.append({"label": _("Choose by the same filters…"), "url": url})
    label = _("Export the recipients (CSV)")
    return [*found, tool(site, mailing, "export", label, is_download=True)]


def same_filters_url(site: AdminSite, request: HttpRequest, mailing: MailingOut) -> str:
    """The page on which they were set, filled in; "" for a choice without filters."""
    filters = mailing.selection.get("filters")
    model = mailing.content_type.model_class()
    if filters is None or model is None or mailing.owner_id != request.user.pk:
        return ""
    for entry in choices(site, request):
        if entry["label"] == model._meta.label_lower:
            return f"{entry['choose_url']}?{filters}"
    return ""


def tool(
    site: AdminSite, mailing: MailingOut, name: str, label: str, **facts: Any
) -> Tool:
    return {"label": label, "url": admin_url(site, mailing, name), **facts}
