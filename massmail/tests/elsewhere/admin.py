from __future__ import annotations

from django.contrib import admin

from massmail.admin_actions import MailingActions
from massmail.site.mailing_columns import MailingColumns
from massmail.site.record_mailings import RecordMailings
from massmail.tests.elsewhere.models import Guest, Person


@admin.register(Person, Guest)
class PersonAdmin(MailingActions, MailingColumns, RecordMailings, admin.ModelAdmin):
    list_display = ["name"]
