"""Where a mailing can begin: the lists of records that the person may mail."""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.utils.text import capfirst

from massmail.recipients.registry import sources
from massmail.site.links import admin_url


def beginnings(site: AdminSite, request: HttpRequest) -> list[dict[str, str]]:
    """Name and address of each, in the order of the sources."""
    return [
        {
            "name": capfirst(source.model._meta.verbose_name_plural),
            "url": admin_url(site, source.model),
        }
        for source in sources()
        if (model_admin := site._registry.get(source.model))
        and model_admin.has_view_permission(request)
        and "create_mailing" in model_admin.get_actions(request)
    ]
