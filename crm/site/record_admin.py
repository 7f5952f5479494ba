"""What the lists and pages of companies, contacts and leads have in common."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import (
    ForeignKey,
    ManyToManyField,
    Model,
    Q,
    QuerySet,
    URLField,
)
from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst

from common.forms import RowsField
from common.site.autocomplete import AutocompleteOne, AutocompleteSeveral
from common.site.owned import PolicyAdmin
from crm.access import CrmAccessPolicy
from crm.models import Company
from crm.site.spreadsheets import Spreadsheets
from massmail.admin_actions import MailingActions
from massmail.site.mailing_columns import MailingColumns
from massmail.site.record_mailings import RecordMailings


class RecordAdmin(
    Spreadsheets, MailingActions, MailingColumns, RecordMailings, PolicyAdmin
):
    """Records of the CRM; whoever keeps other people's records may assign them.

    Their lists are where a mailing begins.
    """

    policy = CrmAccessPolicy()

    # A website that is typed without its scheme.
    formfield_overrides = {URLField: {"assume_scheme": "https"}}
    list_per_page = 50
    # One count less over 100,000 rows.
    show_full_result_count = False
    autocomplete_fields = ["tags"]
    readonly_fields = ["created_at", "updated_at"]

    def access_policy(self) -> CrmAccessPolicy:
        return self.policy

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"title": capfirst(self.opts.verbose_name_plural)}
        return super().changelist_view(request, context | (extra_context or {}))

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Whose each record is, only for who sees other people's."""
        columns = list(super().get_list_display(request))
        return columns if self.assigns(request) else without(columns, "owner")

    def assigns(self, request: HttpRequest) -> bool:
        """Whether there is anybody else to whom the user may give a record."""
        return len(self.policy.colleagues(request.user)[:2]) > 1

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        fixed = [] if self.assigns(request) else ["owner", "department"]
        return [*super().get_readonly_fields(request, obj), *fixed]

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm]:
        form = super().get_form(request, obj, change, **kwargs)
        for name, queryset in self.choices(request).items():
            if name in form.base_fields:
                field: Any = form.base_fields[name]
                field.queryset = with_current(queryset, obj, name)
                # Blank means: mine, and my first department.
                field.required = False
        return form

    def formfield_for_foreignkey(
        self, db_field: ForeignKey, request: HttpRequest, **kwargs: Any
    ) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs["widget"] = AutocompleteOne(db_field, self.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(
        self, db_field: ManyToManyField, request: HttpRequest, **kwargs: Any
    ) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs["widget"] = AutocompleteSeveral(db_field, self.admin_site)
            kwargs["form_class"] = RowsField
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def choices(self, request: HttpRequest) -> dict[str, QuerySet]:
        """Foreign keys whose choices depend on who asks."""
        user = request.user
        return {
            "owner": self.policy.colleagues(user),
            "department": self.policy.assignable_departments(user),
            "company": self.policy.visible(user, Company.objects.all()),
        }

    def save_model(
        self, request: HttpRequest, obj: Any, form: forms.ModelForm, change: bool
    ) -> None:
        if obj.owner_id is None:
            obj.owner = request.user
        if obj.department_id is None and not change:
            obj.department = self.policy.departments(request.user).first()
        super().save_model(request, obj, form, change)


def without(names: list[str], left_out: str) -> list[str]:
    return [name for name in names if name != left_out]


def with_current(queryset: QuerySet, obj: Model | None, name: str) -> QuerySet:
    """The choices and what the record has now, though the user could not choose it."""
    current = getattr(obj, f"{name}_id", None)
    if current is None:
        return queryset
    keys = queryset.order_by().values("pk")
    rows = queryset.model._default_manager.filter(Q(pk__in=keys) | Q(pk=current))
    return rows.order_by(*queryset.query.order_by)
