"""The recipients' pages alone, to be served under a host name of their own."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("news/", include("massmail.public_urls"))]
handler400 = "massmail.views.errors.bad_request"
handler404 = "massmail.views.errors.not_found"
handler500 = "massmail.views.errors.broken"
