"""Staff pages that are not admin pages, in the namespace `massmail:`."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

from massmail.views.oauth import oauth_callback, oauth_start

app_name = "massmail"
urlpatterns = [
    path(
        "oauth/<int:pk>/start/",
        admin.site.admin_view(oauth_start),
        name="oauth_start",
    ),
    path(
        "oauth/callback/", admin.site.admin_view(oauth_callback), name="oauth_callback"
    ),
]
