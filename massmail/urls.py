"""Staff pages that are not admin pages, in the namespace `massmail:`."""

from __future__ import annotations

from django.urls import URLPattern

app_name = "massmail"
urlpatterns: list[URLPattern] = []
