"""The main URLs as development settings have them."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("", include("crm.demo.urls")),
    path("", include("settings.urls")),
]
