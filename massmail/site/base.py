"""What massmail's admin pages share."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.functional import Promise
from django.utils.text import capfirst

from common.site.odd_input import ToleratesOddInput
from common.site.owned import OwnedModelAdmin, PolicyAdmin
from common.site.read_only import ReadOnly
from massmail.models import EmailAccount, Signature
from massmail.recipients.access import AccessPolicy, access_policy
from massmail.site.counted import counted

# Lists of other people's filter values would tell who they are.
OWNER_FILTER = ("owner", admin.RelatedOnlyFieldListFilter)


class ListPage(ToleratesOddInput):
    """Mixin: a list is named for its rows; an empty one says what to do next."""

    empty_hint: ClassVar[str | Promise] = ""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {
            "title": capfirst(self.opts.verbose_name_plural),
            "empty_hint": self.empty_hint,
        }
        return super().changelist_view(request, context | (extra_context or {}))


class OffTheIndex(admin.ModelAdmin):
    """Mixin: a list that only superusers find on the index; its pages work for all."""

    def get_model_perms(self, request: HttpRequest) -> dict[str, bool]:
        rights = super().get_model_perms(request)
        return rights if request.user.is_superuser else dict.fromkeys(rights, False)


class MassmailAdmin(ListPage, OwnedModelAdmin):
    """Pages of an owned model under the host's access policy."""

    show_full_result_count = False
    # Models whose rows keep an object from being deleted, with their foreign keys and,
    # where not all of them do, a condition.
    held_by: ClassVar[list[tuple[Any, ...]]] = []

    def access_policy(self) -> AccessPolicy:
        return access_policy()

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Whose each row is, only for who sees other people's."""
        columns = list(super().get_list_display(request))
        if "owner" in columns and not self.sees_others(request):
            columns.remove("owner")
        return columns

    def sees_others(self, request: HttpRequest) -> bool:
        return self.get_queryset(request).exclude(owner=request.user.pk).exists()

    def object_or_404(self, request: HttpRequest, object_id: str) -> Any:
        """The object of an extra page, when the person may see it."""
        obj = self.get_object(request, unquote(object_id))
        if obj is None or not self.has_view_permission(request, obj):
            raise Http404
        return obj

    def framed_page(
        self, request: HttpRequest, name: str, title: str, context: dict[str, Any]
    ) -> TemplateResponse:
        """One of the model's own templates, with the admin's frame around it."""
        request.current_app = self.admin_site.name
        return TemplateResponse(
            request,
            f"admin/massmail/{self.opts.model_name}/{name}.html",
            {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": title,
                "subtitle": None,
                **context,
            },
        )

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        """What holds an object is counted, not listed: it may be 100,000 rows, or
        other people's.

        Rights are asked for the objects themselves; what goes with them (history,
        attachments) is nobody's to delete by itself.
        """
        forbidden = {
            str(self.opts.verbose_name)
            for obj in objs
            if not self.has_delete_permission(request, obj)
        }
        if holders := self.holders(objs):
            return [str(obj) for obj in objs], {}, forbidden, holders
        deleted, counts, _needed, protected = super().get_deleted_objects(objs, request)
        return deleted, counts, forbidden, protected

    def holders(self, objs: Any) -> list[str]:
        """What keeps the objects, in the form "3 mailings"."""
        found = []
        for model, foreign_key, *conditions in self.held_by:
            rows = model._default_manager.filter(
                *conditions, **{f"{foreign_key}__in": objs}
            )
            if count := rows.count():
                found.append(counted(model, count))
        return found

    def choices_for(
        self, db_field: models.ForeignKey, request: HttpRequest
    ) -> models.QuerySet:
        rows = super().choices_for(db_field, request)
        if request.user.is_superuser:
            return rows
        if db_field.remote_field.model is EmailAccount:
            return EmailAccount.objects.usable_by(request.user)
        if db_field.remote_field.model is Signature:
            return Signature.objects.filter(owner=request.user.pk)
        return rows


class LedgerAdmin(ListPage, ReadOnly, PolicyAdmin):
    """Pages of rows that nobody adds, changes or deletes by hand."""

    show_full_result_count = False

    def access_policy(self) -> AccessPolicy:
        return access_policy()

    def visible_by(
        self, request: HttpRequest, queryset: models.QuerySet, path: str
    ) -> models.QuerySet:
        """Rows whose owned parent, found at the ORM path, the person may see."""
        user: Any = request.user
        if user.is_superuser:
            return queryset
        parent = queryset.model._meta.get_field(path).related_model
        parents = access_policy().visible(user, parent._default_manager.all())
        return queryset.filter(**{f"{path}__in": parents.values("pk")})
