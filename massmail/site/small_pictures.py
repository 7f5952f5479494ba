"""A text as a small picture in a list: a frame that the browser scales down."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.template.loader import render_to_string
from django.urls import reverse

TEMPLATE = "admin/massmail/small_picture.html"


def small_picture(site: AdminSite, obj: Any, page: str) -> str:
    """`page` is the last word of the name of the object's page that has the frame."""
    name = f"admin:{obj._meta.app_label}_{obj._meta.model_name}_{page}"
    url = reverse(name, args=[obj.pk], current_app=site.name)
    return render_to_string(TEMPLATE, {"frame_url": url})
