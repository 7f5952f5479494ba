"""The action that copies what is ticked in a list."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from massmail.exceptions import WrongState


class CopyAction(admin.ModelAdmin):
    """Mixin: each copy is the person's own; the originals stay as they are."""

    actions = ("copy_selected",)

    def copy_of(self, obj: Any, by: Any) -> Any:
        """Hook: the stored copy; raises WrongState where there can be none."""
        raise NotImplementedError(f"{type(self).__name__}.copy_of()")

    @admin.action(
        description=gettext_lazy("Copy selected %(verbose_name_plural)s"),
        permissions=["add"],
    )
    def copy_selected(self, request: HttpRequest, queryset: QuerySet) -> None:
        """What cannot be copied is named; the others are."""
        count = 0
        for obj in queryset:
            try:
                self.copy_of(obj, request.user)
            except WrongState as error:
                text = _("“%(name)s” was not copied: %(why)s")
                messages.error(request, text % {"name": obj, "why": error})
            else:
                count += 1
        if count:
            text = ngettext("%(count)d was copied.", "%(count)d were copied.", count)
            messages.success(request, text % {"count": count})
