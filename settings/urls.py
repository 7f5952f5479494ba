"""All URLs of the site: the recipients' pages and the admin."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import include, path, re_path

from massmail.views.errors import not_found

urlpatterns = [
    path("massmail/", include("massmail.urls")),
    path("news/", include("massmail.public_urls")),
    # A link that lost its end must not lead a recipient to the colleagues' login.
    re_path(r"^news(?:/|$)", not_found),
    path("", admin.site.urls),
]
handler403 = "crm.site.errors.forbidden"
handler404 = "crm.site.errors.not_found"
handler500 = "crm.site.errors.broken"

# Before the admin, which answers for everything else.
if getattr(settings, "DEMO_CATCHER", False):
    urlpatterns.insert(0, path("", include("crm.demo.urls")))
