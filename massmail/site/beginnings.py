"""Where a mailing can begin: the lists of records that the person may mail."""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import capfirst

from massmail.recipients.registry import sources
from massmail.site.links import admin_url


def beginnings(site: AdminSite, request: HttpRequest) -> list[dict[str, str]]:
    """Name and address of each, in the order of the sources."""
    return [
        {
            "label": source.label,
            "name": capfirst(str(source.model._meta.verbose_name_plural)),
            "url": admin_url(site, source.model),
        }
        for source in sources()
        if (model_admin := site._registry.get(source.model))
        and model_admin.has_view_permission(request)
        and "create_mailing" in model_admin.get_actions(request)
    ]


def choices(site: AdminSite, request: HttpRequest) -> list[dict[str, str]]:
    """The same types, each with the page on which its recipients are filtered."""
    return [
        entry
        | {
            "choose_url": reverse(
                "admin:massmail_mailingout_create_for",
                args=[entry["label"]],
                current_app=site.name,
            )
        }
        for entry in beginnings(site, request)
    ]


def create_url(site: AdminSite, request: HttpRequest) -> str:
    """The page that asks for the type; "" for who has nobody to mail."""
    if not beginnings(site, request):
        return ""
    return reverse("admin:massmail_mailingout_create", current_app=site.name)
