"""Mailing identities: consent, VIP and the account of a host's record."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from common.site.owned import PolicyAdmin
from massmail.models import EmailAccount, MassContact
from massmail.recipients.access import AccessPolicy, access_policy
from massmail.recipients.registry import sources
from massmail.recipients.source import object_id_as_pk
from massmail.site.base import ListPage, OffTheIndex
from massmail.tracking.by_hand import LIFT


class MassContactAdmin(OffTheIndex, ListPage, PolicyAdmin):
    """Who may mail a record may say whether it is a VIP and which account mails it.

    Rows come with a record's first mailing. Consent can be taken back here; given
    again it is by its owner.
    """

    empty_hint = _(
        "None of your records has been in a mailing yet, and none is marked as a VIP."
    )
    list_display = ["record", "content_type", "is_vip", "subscribed", "email_account"]
    list_filter = [
        "is_vip",
        "subscribed",
        "allows_tracking",
        ("content_type", admin.RelatedOnlyFieldListFilter),
    ]
    list_select_related = ["content_type", "email_account"]
    show_full_result_count = False
    fields = [
        "record",
        "content_type",
        "is_vip",
        "subscribed",
        "allows_tracking",
        "email_account",
    ]
    readonly_fields = ["record", "content_type"]

    def access_policy(self) -> AccessPolicy:
        return access_policy()

    def visible_rows(
        self, request: HttpRequest, queryset: models.QuerySet
    ) -> models.QuerySet:
        queryset = queryset.prefetch_related("content_object")
        if request.user.is_superuser:
            return queryset
        return queryset.filter(addressable_identities(request.user))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def _may(self, request: HttpRequest, action: str, obj: Any) -> bool:
        """An identity has no owner of its own: the host's record decides."""
        return self.is_visible(request, obj)

    def get_readonly_fields(
        self, request: HttpRequest, obj: MassContact | None = None
    ) -> list[str]:
        fields = list(super().get_readonly_fields(request, obj))
        if obj and not obj.subscribed:
            fields.append("subscribed")
        if obj and not obj.allows_tracking and not request.user.has_perm(LIFT):
            fields.append("allows_tracking")
        return fields

    def formfield_for_foreignkey(
        self, db_field: models.ForeignKey, request: HttpRequest, **kwargs: Any
    ) -> Any:
        accounts = EmailAccount.objects.all()
        if db_field.name == "email_account" and not request.user.is_superuser:
            accounts = accounts.usable_by(request.user)
        kwargs["queryset"] = accounts
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @admin.display(description=MassContact._meta.get_field("object_id").verbose_name)
    def record(self, identity: MassContact) -> str:
        return str(identity)


def addressable_identities(user: Any) -> Q:
    """The identities whose records the user may mail."""
    types = ContentType.objects.get_for_models(*(source.model for source in sources()))
    conditions = (
        # The type comes first: other types' ids may not convert to this key.
        Q(content_type=types[source.model])
        & Exists(
            source.records_for(user).filter(
                pk=object_id_as_pk(source.model, OuterRef("object_id"))
            )
        )
        for source in sources()
    )
    return reduce(or_, conditions, Q(pk__in=[]))
