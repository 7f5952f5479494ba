"""Who of the company sees and does what with a single row.

| role             | sees                                  | does                     |
|------------------|---------------------------------------|--------------------------|
| manager          | his own rows                          | everything with them     |
| chief            | all rows of his departments           | overrides preflight there|
| operator         | records of his departments            | edits them, never mails  |
| superoperator    | records of all departments            | edits them, never mails  |
| department head  | mailings and lists of his departments | –                        |

Whoever owns a row sees it, whatever his role.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q, QuerySet

from crm import roles
from crm.models import Company, Contact, Lead
from massmail.models import MailingOut, TargetList
from massmail.recipients import AccessPolicy

RECORDS = (Company, Contact, Lead)
# What department heads see of their departments; who is on a list stays with those
# who may mail the records.
OF_HEADS = (MailingOut, TargetList)
MAILING_ACTIONS = frozenset({"launch", "pause", "resume", "cancel", "resolve", "use"})


class CrmAccessPolicy(AccessPolicy):
    """The table above; a row belongs to its owner and to its `department`."""

    def visible(self, user: Any, queryset: QuerySet) -> QuerySet:
        if user.is_superuser:
            return queryset
        model = queryset.model
        if is_record(model) and roles.SUPEROPERATORS in roles_of(user):
            return queryset
        condition = self.own_rows(user, model)
        if self.sees_departments(user, model):
            condition |= Q(department__in=self.departments(user))
        return queryset.filter(condition)

    def departments(self, user: Any) -> QuerySet[Group]:
        return all_departments().filter(user=user)

    def may(self, user: Any, action: str, obj: Any = None) -> bool:
        if user.is_active and not user.is_superuser:
            if action == "override_preflight":
                return self.may_override(user, obj)
            if action in MAILING_ACTIONS and only_maintains_records(user):
                return False
            if action == "change" and self.may_maintain(user, obj):
                return True
        return super().may(user, action, obj)

    def colleagues(self, user: Any) -> QuerySet:
        """The user himself and those whose records his roles show him."""
        users = get_user_model()._default_manager.filter(is_active=True)
        found = roles_of(user)
        if user.is_superuser or roles.SUPEROPERATORS in found:
            return users.order_by("username")
        mine = Q(pk=user.pk)
        if found & {roles.CHIEFS, roles.OPERATORS}:
            mine |= Q(groups__in=self.departments(user))
        # By key, not by join: somebody may share two departments with the user.
        keys = users.filter(mine).values("pk")
        return users.filter(pk__in=keys).order_by("username")

    def assignable_departments(self, user: Any) -> QuerySet[Group]:
        """Where the user may put records."""
        if user.is_superuser or roles.SUPEROPERATORS in roles_of(user):
            return all_departments()
        return self.departments(user)

    def sees_departments(self, user: Any, model: type[models.Model]) -> bool:
        """Whether the user's roles show him such rows of his whole departments."""
        found = roles_of(user)
        if not has_department(model):
            return False
        return (
            roles.CHIEFS in found
            or (roles.OPERATORS in found and is_record(model))
            or (roles.DEPARTMENT_HEADS in found and issubclass(model, OF_HEADS))
        )

    def may_override(self, user: Any, obj: Any) -> bool:
        """A chief may, for the mailings that he sees."""
        if roles.CHIEFS not in roles_of(user):
            return False
        return obj is None or self.sees(user, obj)

    def may_maintain(self, user: Any, obj: Any) -> bool:
        """Operators change the records that they see; a manager's role adds none."""
        maintains = roles_of(user) & {roles.OPERATORS, roles.SUPEROPERATORS}
        if obj is None or not maintains or not is_record(type(obj)):
            return False
        if roles.SUPEROPERATORS in maintains:
            return True
        return self.departments(user).filter(pk=obj.department_id).exists()

    def sees(self, user: Any, obj: models.Model) -> bool:
        queryset = type(obj)._default_manager.filter(pk=obj.pk)
        return self.visible(user, queryset).exists()


def all_departments() -> QuerySet[Group]:
    return Group.objects.filter(crm_department__isnull=False).order_by("name")


def roles_of(user: Any) -> frozenset[str]:
    """The user's groups, kept with the object as Django keeps its permissions."""
    if not hasattr(user, "_crm_roles"):
        names = user.groups.values_list("name", flat=True)
        user._crm_roles = frozenset(names) & roles.RIGHTS.keys()
    return user._crm_roles


def only_maintains_records(user: Any) -> bool:
    """An operator without a role that sends."""
    found = roles_of(user)
    return bool(found & {roles.OPERATORS, roles.SUPEROPERATORS}) and not (
        found & {roles.MANAGERS, roles.CHIEFS}
    )


def is_record(model: type[models.Model]) -> bool:
    return issubclass(model, RECORDS)


def has_department(model: type[models.Model]) -> bool:
    return any(field.name == "department" for field in model._meta.fields)
