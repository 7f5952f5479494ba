"""Who sees and does what: the host's rules behind one small interface."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q, QuerySet
from django.utils.module_loading import import_string

from massmail.conf import conf


class AccessPolicy:
    """The default: owners see and do what is theirs, superusers everything.

    A host names its subclass in `MASSMAIL["ACCESS_POLICY"]`.
    """

    def visible(self, user: Any, queryset: QuerySet) -> QuerySet:
        """The rows of an owned model that the user may see."""
        if user.is_superuser:
            return queryset
        return queryset.filter(self.own_rows(user, queryset.model))

    def departments(self, user: Any) -> QuerySet[Group]:
        """The departments (groups) in which the user works."""
        return Group.objects.none()

    def may(self, user: Any, action: str, obj: Any = None) -> bool:
        """Whether the user may do this.

        Actions: `change`, `delete`, `use` (send through an account), `launch`,
        `pause`, `resume`, `cancel`, `resolve`, `override_preflight`, `suppress`.
        Seeing something is `visible()`'s to answer.
        """
        if not user.is_active:
            return False
        if user.is_superuser:
            return True
        if action == "override_preflight" or obj is None:
            return False
        if action == "use":
            return obj.may_be_used_by(user)
        return getattr(obj, "owner_id", None) == user.pk

    def own_rows(self, user: Any, model: type[models.Model]) -> Q:
        """What belongs to the user: as owner, for accounts also as co-owner."""
        own = Q(owner=user)
        if any(field.name == "co_owner" for field in model._meta.get_fields()):
            own |= Q(co_owner=user)
        return own


def access_policy() -> AccessPolicy:
    """The deployment's policy; raises ImportError for a wrong path."""
    return import_string(conf.ACCESS_POLICY)()
