"""What can be done with a mailing besides sending it: links of its page."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.utils.translation import gettext as _

from massmail.models import MailingOut
from massmail.recipients.access import access_policy
from massmail.site.links import admin_url

Tool = dict[str, Any]


def tools_of(site: AdminSite, request: HttpRequest, mailing: MailingOut) -> list[Tool]:
    """Those that the person may use and that make sense now."""
    may = access_policy().may
    found = []
    if not mailing.is_final and may(request.user, "cancel", mailing):
        found.append(tool(site, mailing, "merge", _("Merge others into it…")))
    return found


def tool(
    site: AdminSite, mailing: MailingOut, name: str, label: str, **facts: Any
) -> Tool:
    return {"label": label, "url": admin_url(site, mailing, name), **facts}
