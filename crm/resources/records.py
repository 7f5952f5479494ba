"""The columns of companies, contacts and leads, and what a row may do.

A row with the `id` of a record changes that record; without one it changes the record
with the same e-mail address, if there is just one, and makes a new record otherwise. A
blank cell leaves the record's value alone. Nothing lifts an opt-out.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.utils.translation import gettext as _
from import_export.fields import Field
from import_export.resources import ModelResource

from common.spreadsheets import cell_text, guarded
from common.utils.helpers import is_whole_number
from crm.access import CrmAccessPolicy
from crm.models import ClientType, Company, Contact, Country, Industry, Lead
from crm.resources.widgets import NameWidget, TagsWidget, TextWidget, YesNoWidget

LIST_COLUMNS = ("country", "industry", "client_type", "tags")
LAST_COLUMNS = ("accepts_mailings", "disqualified", "owner", "department", "created_at")


def column(name: str, widget: Any, **kwargs: Any) -> Field:
    return Field(attribute=name, column_name=name, widget=widget, **kwargs)


def list_column(name: str, model: type[models.Model], *names: str) -> Field:
    return column(name, NameWidget(model._default_manager.all, *names))


class RecordResource(ModelResource):
    """Rows as `user` may bring and take them; subclasses name their model."""

    policy = CrmAccessPolicy()

    country = list_column("country", Country, "name", "code")
    tags = column("tags", TagsWidget())
    accepts_mailings = column("accepts_mailings", YesNoWidget())
    disqualified = column("disqualified", YesNoWidget())
    created_at = Field(attribute="created_at", column_name="created_at", readonly=True)

    class Meta:
        # Only with what a row was before can an unchanged one be told from a changed.
        skip_unchanged = True
        skip_html_diff = True
        report_skipped = True

    def __init__(self, *, user: Any) -> None:
        super().__init__()
        self.user = user
        self.fields["owner"] = column(
            "owner",
            NameWidget(lambda: self.policy.colleagues(user), "username"),
        )
        self.fields["department"] = column(
            "department",
            NameWidget(lambda: self.policy.assignable_departments(user)),
        )

    # --- in

    def before_import(self, dataset: Any, **kwargs: Any) -> None:
        """One look at the addresses of all rows: none is searched for by itself."""
        self._by_address: dict[str, list[Any]] = defaultdict(list)
        if "email" not in (dataset.headers or []):
            return
        addresses = {cell_text(value).lower() for value in dataset["email"]} - {""}
        rows = self._visible().annotate(address=Lower("email"))
        for record in rows.filter(address__in=addresses):
            self._by_address[record.address].append(record)

    def get_instance(self, instance_loader: Any, row: dict[str, Any]) -> Any:
        """Raises ValidationError where the row means a record that is not his."""
        if key := cell_text(row.get("id")):
            return self._by_key(key)
        if email := cell_text(row.get("email")):
            return self._by_email(email)
        return None

    def _by_key(self, key: str) -> Any:
        rows = self._visible()
        found = rows.filter(pk=key).first() if is_whole_number(key) else None
        if found is None:
            raise ValidationError({"id": _("You see no record with this number.")})
        return self._changeable(found)

    def _by_email(self, email: str) -> Any:
        found = self._by_address.get(email.lower(), [])
        if len(found) > 1:
            text = _("Several records have this address. Name the record's id.")
            raise ValidationError({"email": text})
        return self._changeable(found[0]) if found else None

    def _changeable(self, record: Any) -> Any:
        if not self.policy.may(self.user, "change", record):
            text = _("“%(record)s” is not yours to change.") % {"record": record}
            raise ValidationError(text)
        return record

    def _visible(self) -> QuerySet:
        rows = self._meta.model._default_manager.all()
        return self.policy.visible(self.user, rows).select_related(*self._related())

    def _related(self) -> list[str]:
        return [field.name for field in self._foreign_keys()]

    def _foreign_keys(self) -> list[models.Field]:
        fields = self._meta.model._meta.concrete_fields
        return [field for field in fields if field.many_to_one]

    def after_init_instance(
        self, instance: Any, new: bool, row: dict[str, Any], **kwargs: Any
    ) -> None:
        if new:
            instance.owner = self.user
            instance.department = self.policy.departments(self.user).first()

    def import_field(
        self,
        field: Field,
        instance: Any,
        row: dict[str, Any],
        is_m2m: bool = False,
        **kwargs: Any,
    ) -> None:
        if cell_text(row.get(field.column_name)):
            super().import_field(field, instance, row, is_m2m, **kwargs)

    def import_instance(
        self, instance: Any, row: dict[str, Any], **kwargs: Any
    ) -> None:
        opted_out = instance.pk is not None and not instance.accepts_mailings
        # `get_instance` has found the record by its number.
        self._check_tags(row)
        row = {name: value for name, value in row.items() if name != "id"}
        super().import_instance(instance, row, **kwargs)
        if opted_out:
            instance.accepts_mailings = False

    def _check_tags(self, row: dict[str, Any]) -> None:
        """Before the record is saved: tags are written after it."""
        try:
            self.fields["tags"].widget.names(row.get("tags"))
        except ValueError as error:
            raise ValidationError({"tags": str(error)}) from error

    def skip_row(
        self,
        instance: Any,
        original: Any,
        row: dict[str, Any],
        import_validation_errors: Any = None,
    ) -> bool:
        if import_validation_errors:
            return False
        if not any(cell_text(value) for value in row.values()):
            return True
        return instance.pk is not None and self._is_unchanged(instance, original, row)

    def _is_unchanged(self, instance: Any, original: Any, row: dict[str, Any]) -> bool:
        for field in self.get_import_fields():
            if field.readonly or field.column_name not in row:
                continue
            if field.column_name == "tags":
                names = self.fields["tags"].widget.names(row["tags"])
                before = {tag.name.lower() for tag in instance.tags.all()}
                if names and before != {name.lower() for name in names}:
                    return False
            elif field.get_value(instance) != field.get_value(original):
                return False
        return True

    def validate_instance(
        self,
        instance: Any,
        import_validation_errors: dict[str, Any] | None = None,
        validate_unique: bool = True,
    ) -> None:
        """Foreign keys were chosen from rows that exist; that is not asked again."""
        errors = dict(import_validation_errors or {})
        known = {*errors, *self._related()}
        try:
            instance.full_clean(exclude=known, validate_unique=validate_unique)
        except ValidationError as error:
            errors = error.update_error_dict(errors)
        if errors:
            raise ValidationError(errors)

    def save_instance(
        self, instance: Any, is_create: bool, row: dict[str, Any], **kwargs: Any
    ) -> None:
        """A row that the database refuses does not take the others with it."""
        if not kwargs.get("only_check"):
            self._columns = None if is_create else self._given(instance, row)
            with transaction.atomic():
                super().save_instance(instance, is_create, row, **kwargs)
        if is_create and instance.email:
            # A later row of the file means this record.
            self._by_address[instance.email.lower()].append(instance)

    def _given(self, instance: Any, row: dict[str, Any]) -> list[str]:
        """What the row says of a record: the rest of it may change meanwhile.

        It may say that somebody has opted out, never that he has not.
        """
        written = ["updated_at"]
        for field in self.get_import_fields():
            name = field.column_name
            is_said = bool(cell_text(row.get(name))) and not field.readonly
            if is_said and name not in ("id", "tags", "accepts_mailings"):
                written.append(name)
        if not instance.accepts_mailings:
            written.append("accepts_mailings")
        return written

    def do_instance_save(self, instance: Any, is_create: bool) -> None:
        instance.save(update_fields=self._columns)

    def save_m2m(self, instance: Any, row: dict[str, Any], **kwargs: Any) -> None:
        if not kwargs.get("only_check"):
            with transaction.atomic():
                super().save_m2m(instance, row, **kwargs)

    # --- out

    def export_field(self, field: Field, instance: Any, **kwargs: Any) -> Any:
        return guarded(super().export_field(field, instance, **kwargs))

    def filter_export(self, queryset: QuerySet, **kwargs: Any) -> QuerySet:
        return queryset.select_related(*self._related()).prefetch_related("tags")

    @classmethod
    def widget_from_django_field(cls, f: models.Field, default: Any = None) -> Any:
        if isinstance(f, (models.CharField, models.TextField)):
            return TextWidget
        return super().widget_from_django_field(f)


class CompanyResource(RecordResource):
    industry = list_column("industry", Industry)
    client_type = list_column("client_type", ClientType)

    class Meta(RecordResource.Meta):
        model = Company
        fields = (
            *("id", "name", "email", "phone", "website", "city"),
            *LIST_COLUMNS,
            *LAST_COLUMNS,
        )


PERSON_COLUMNS = ("id", "title", "first_name", "middle_name", "last_name", "email")


class ContactResource(RecordResource):
    class Meta(RecordResource.Meta):
        model = Contact
        fields = (
            *PERSON_COLUMNS,
            *("phone", "company", "country", "language", "time_zone", "tags"),
            *LAST_COLUMNS,
        )

    def __init__(self, *, user: Any) -> None:
        super().__init__(user=user)
        self.fields["company"] = column(
            "company",
            NameWidget(lambda: self.policy.visible(user, Company.objects.all())),
        )


class LeadResource(RecordResource):
    industry = list_column("industry", Industry)

    class Meta(RecordResource.Meta):
        model = Lead
        fields = (
            *PERSON_COLUMNS,
            *("company_name", "website", "industry", "country", "tags"),
            *LAST_COLUMNS,
        )
