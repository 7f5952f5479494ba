"""Massmail on a plain admin site, with the test host's lists of recipients."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from massmail.admin_actions import MailingActions
from massmail.site.mailing_columns import MailingColumns
from massmail.site.record_mailings import RecordMailings
from massmail.tests.hostapp.models import Customer, Member, Subscriber


class PersonAdmin(MailingActions, MailingColumns, RecordMailings):
    search_fields = ["name"]
    ordering = ["name"]


site = admin.AdminSite()
for model in (Customer, Member, Subscriber):
    site.register(model, PersonAdmin)
for model, model_admin in admin.site._registry.items():
    if model._meta.app_label == "massmail":
        site.register(model, type(model_admin))

urlpatterns = [
    path("massmail/", include("massmail.urls")),
    path("news/", include("massmail.public_urls")),
    path("", site.urls),
]
