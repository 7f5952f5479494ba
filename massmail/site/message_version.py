"""Messages as they were launched."""

from __future__ import annotations

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from common.site.read_only import ReadOnly
from massmail.models import VersionPart
from massmail.site.base import LedgerAdmin, OffTheIndex
from massmail.site.previews import PreviewPages


class VersionPartInline(ReadOnly, admin.TabularInline):
    """Names of pictures and files; their bytes stay in the database."""

    model = VersionPart
    fields = ["tag", "filename", "mime_type"]
    extra = 0

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        return super().get_queryset(request).defer("content")

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Who sees the version sees what it is made of."""
        return True


class MessageVersionAdmin(OffTheIndex, PreviewPages, LedgerAdmin):
    """Immutable copies: what recipients got, whatever the message says today."""

    list_display = ["subject", "message", "created_at"]
    list_select_related = ["message"]
    search_fields = ["subject"]
    date_hierarchy = "created_at"
    inlines = [VersionPartInline]
    change_form_template = "admin/massmail/messageversion/change_form.html"

    def visible_rows(
        self, request: HttpRequest, queryset: models.QuerySet
    ) -> models.QuerySet:
        return self.visible_by(request, queryset, "message")
