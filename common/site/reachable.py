"""Read-only fields that link to the pages which a person may open, and to no others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import AdminReadonlyField, Fieldline, Fieldset
from django.db import models
from django.http import HttpRequest, HttpResponse


class ReachableLinks(admin.ModelAdmin):
    """Mixin: Django links every object that has a page, be it refused or not."""

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        fields = Fields(context["adminform"], partial(self.may_open, request))
        return super().render_change_form(
            request, context | {"adminform": fields}, *args, **kwargs
        )

    def may_open(self, request: HttpRequest, target: models.Model) -> bool:
        pages = self.admin_site._registry.get(type(target))
        return pages is not None and pages.has_view_permission(request, target)


class Fields:
    """A form, a fieldset or a line of it, as it is but for the links."""

    def __init__(self, part: Any, may_open: Callable[[models.Model], bool]) -> None:
        self._part, self._may_open = part, may_open

    def __getattr__(self, name: str) -> Any:
        return getattr(self._part, name)

    def __iter__(self) -> Iterator[Any]:
        for part in self._part:
            if isinstance(part, AdminReadonlyField):
                # Of this one field on this one page.
                part.get_admin_url = partial(  # type: ignore[method-assign]
                    self.link, part.get_admin_url
                )
            is_whole = isinstance(part, Fieldset | Fieldline)
            yield Fields(part, self._may_open) if is_whole else part

    def link(self, linked: Callable[..., str], field: Any, target: models.Model) -> str:
        return linked(field, target) if self._may_open(target) else str(target)
