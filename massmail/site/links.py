"""Links between the admin's pages."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib.admin import AdminSite
from django.db.models import Model
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse


def admin_url(
    site: AdminSite,
    target: Model | type[Model],
    kind: str = "",
    **query: Any,
) -> str:
    """The page of an object ("change", …) or of a model ("changelist", "add").

    Raises NoReverseMatch when the site does not show the model.
    """
    meta = target._meta
    on_object = isinstance(target, Model)
    kind = kind or ("change" if on_object else "changelist")
    address = reverse(
        f"admin:{meta.app_label}_{meta.model_name}_{kind}",
        args=[target.pk] if on_object else [],
        current_app=site.name,
    )
    return f"{address}?{urlencode(query)}" if query else address


def url_if_visible(
    site: AdminSite, request: HttpRequest, target: Any, kind: str = ""
) -> str:
    """The object's page, "" for whom or where there is none; `target` may be None."""
    model_admin = site._registry.get(type(target))
    if model_admin is None or not model_admin.has_view_permission(request, target):
        return ""
    try:
        return admin_url(site, target, kind)
    except NoReverseMatch:
        return ""


def add_url_if_allowed(
    site: AdminSite, request: HttpRequest, model: type[Model]
) -> str:
    """The page that adds one, "" for whom or where there is none."""
    model_admin = site._registry.get(model)
    if model_admin is None or not model_admin.has_add_permission(request):
        return ""
    return admin_url(site, model, "add")
