"""Admin pages of things that belong to somebody."""

from __future__ import annotations

from typing import Any, Protocol

from django import forms
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import models
from django.http import HttpRequest

from common.models import Owned
from common.site.odd_input import ToleratesOddInput
from common.site.reachable import ReachableLinks


class AccessRules(Protocol):
    """What these pages ask of a site's access policy."""

    def visible(self, user: Any, queryset: models.QuerySet) -> models.QuerySet: ...

    def departments(self, user: Any) -> models.QuerySet[Group]: ...

    def may(self, user: Any, action: str, obj: Any = None) -> bool: ...


class OwnedModelForm(forms.ModelForm):
    """A form whose new object belongs to the person who fills it in.

    The owner is known before validation, so that constraints per owner and checks
    of what the owner may use hold for a new object, too.
    """

    current_user: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.current_user is not None and self.instance.owner_id is None:
            self.instance.owner = self.current_user

    def _get_validation_exclusions(self) -> set[str]:
        """Without it a constraint on a field that is not shown would go unchecked
        and end as IntegrityError."""
        # Private, so that the stubs do not have it.
        return super()._get_validation_exclusions() - {"owner"}  # type: ignore[misc]


class PolicyAdmin(ToleratesOddInput, ReachableLinks):
    """Rows and rights by the site's access policy; subclasses name the policy."""

    def access_policy(self) -> AccessRules:
        raise NotImplementedError(f"{type(self).__name__}.access_policy()")

    def visible_rows(
        self, request: HttpRequest, queryset: models.QuerySet
    ) -> models.QuerySet:
        """The rows that the person may see; the default asks the policy."""
        return self.access_policy().visible(request.user, queryset)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        return self.visible_rows(request, super().get_queryset(request))

    def is_visible(self, request: HttpRequest, obj: Any) -> bool:
        """Whether the person may see this object, or objects at all (None)."""
        return obj is None or self.get_queryset(request).filter(pk=obj.pk).exists()

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and self.is_visible(
            request, obj
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and self._may(
            request, "change", obj
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and self._may(
            request, "delete", obj
        )

    def _may(self, request: HttpRequest, action: str, obj: Any) -> bool:
        return obj is None or self.access_policy().may(request.user, action, obj)

    def save_model(
        self, request: HttpRequest, obj: Any, form: Any, change: bool
    ) -> None:
        """Write just what was changed here.

        A form may stay open for hours; saving all of it would undo what happened
        to the row meanwhile.
        """
        if not change:
            super().save_model(request, obj, form, change)
        elif fields := self.changed_fields(obj, form):
            obj.save(update_fields=fields)

    def changed_fields(self, obj: Any, form: Any) -> list[str]:
        columns = {
            field.name: field for field in obj._meta.concrete_fields if field.editable
        }
        changed = [name for name in form.changed_data if name in columns]
        stamps = [
            field.name
            for field in obj._meta.concrete_fields
            if getattr(field, "auto_now", False)
        ]
        return changed + stamps if changed else []


class OwnedModelAdmin(PolicyAdmin):
    """Pages of an `Owned` model: people see and choose only what is theirs to see.

    Only superusers choose an owner; for everybody else it is the person who adds.
    """

    form = OwnedModelForm

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm]:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"current_user": request.user})

    def get_readonly_fields(
        self, request: HttpRequest, obj: Any = None
    ) -> tuple[str, ...]:
        fields = tuple(super().get_readonly_fields(request, obj))
        return fields if request.user.is_superuser else (*fields, "owner")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        initial.setdefault("owner", request.user.pk)
        if department := self.access_policy().departments(request.user).first():
            initial.setdefault("department", department.pk)
        return initial

    def formfield_for_foreignkey(
        self, db_field: models.ForeignKey, request: HttpRequest, **kwargs: Any
    ) -> Any:
        kwargs.setdefault("queryset", self.choices_for(db_field, request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def choices_for(
        self, db_field: models.ForeignKey, request: HttpRequest
    ) -> models.QuerySet:
        """The rows that a foreign key may be set to by this person."""
        related = db_field.remote_field.model
        rows = related._default_manager.all()
        if issubclass(related, Owned):
            return self.access_policy().visible(request.user, rows)
        if related is Group and not request.user.is_superuser:
            return self.access_policy().departments(request.user)
        if related is get_user_model():
            return rows.filter(is_active=True, is_staff=True)
        return rows

    def save_model(
        self, request: HttpRequest, obj: Any, form: Any, change: bool
    ) -> None:
        if not change and obj.department_id is None:
            departments = self.access_policy().departments(request.user)
            obj.department = departments.first()
        super().save_model(request, obj, form, change)
