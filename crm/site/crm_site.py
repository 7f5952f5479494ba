"""The one admin site."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

# What people work with every day comes first; the rest follows by name.
FIRST_APPS = ("crm", "massmail", "settings")
FIRST = (
    "Company",
    "Contact",
    "Lead",
    "MailingOut",
    "EmlMessage",
    "Signature",
    "LibraryImage",
    "TargetList",
    "EmailAccount",
    "SuppressedAddress",
    "Alert",
)


class CrmAdminSite(AdminSite):
    """Everything that colleagues work with."""

    site_header = _("CRM")
    site_title = _("CRM")
    index_title = _("Home")
    index_template = "crm/index.html"
    # There is no other site behind this one.
    site_url = None

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        context = {"catcher_url": catcher_url(), **(extra_context or {})}
        return super().index(request, context)

    def get_app_list(
        self, request: HttpRequest, app_label: str | None = None
    ) -> list[dict[str, Any]]:
        apps = super().get_app_list(request, app_label)
        for app in apps:
            app["models"].sort(key=lambda model: rank(model["object_name"], FIRST))
        return sorted(apps, key=lambda app: rank(app["app_label"], FIRST_APPS))


def rank(name: str, first: tuple[str, ...]) -> int:
    return first.index(name) if name in first else len(first)


def catcher_url() -> str:
    """The demo's mail; "" where the demo's pages are not served."""
    try:
        return reverse("demo:mail_list")
    except NoReverseMatch:
        return ""
