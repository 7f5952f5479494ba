"""What a form says before it is saved: compiled, shown and forgotten."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST


class UnsavedPages(ModelAdmin):
    """Mixin: `live/` tells about an unsaved object, `live-frame/` shows it.

    Both are asked by POST, since a text is too long for an address, and for the
    token against forgery: a stranger's page must not make this one compile. They
    change nothing. The form names a stored object in the field `stored`.
    """

    # --- yours
    written_fields: ClassVar[tuple[str, ...]] = ()

    def live_facts_view(self, request: HttpRequest) -> HttpResponse:
        raise NotImplementedError(f"{type(self).__name__}.live_facts_view()")

    def live_frame_view(self, request: HttpRequest) -> HttpResponse:
        raise NotImplementedError(f"{type(self).__name__}.live_frame_view()")

    # --- no need to override

    def get_urls(self) -> list[URLPattern]:
        views = {"live/": self.live_facts_view, "live-frame/": self.live_frame_view}
        names = {"live/": self.live_name, "live-frame/": f"{self.live_name}_frame"}
        own = [
            path(
                route, self.admin_site.admin_view(require_POST(view)), name=names[route]
            )
            for route, view in views.items()
        ]
        return [*own, *super().get_urls()]

    @property
    def live_name(self) -> str:
        return f"massmail_{self.opts.model_name}_live"

    def live_urls(self) -> dict[str, str]:
        site = self.admin_site.name
        return {
            "facts": reverse(f"admin:{self.live_name}", current_app=site),
            "frame": reverse(f"admin:{self.live_name}_frame", current_app=site),
        }

    def unsaved(self, request: HttpRequest) -> Any:
        """The object as the form has it; the row itself is left alone.

        The page's own form decides what may be chosen, a signature for example.
        """
        stored = self.stored(request)
        form_class = self.get_form(request, stored, change=stored is not None)
        form = form_class(request.POST, instance=stored)
        form.full_clean()
        # What a person types next mends it; until then it is shown as it is.
        for name in self.written_fields:
            if name in request.POST:
                setattr(form.instance, name, request.POST[name].replace("\0", ""))
        return form.instance

    def stored(self, request: HttpRequest) -> Any:
        """The object that is being changed; None for a new one."""
        pk = request.POST.get("stored", "")
        if not pk:
            if not self.has_add_permission(request):
                raise PermissionDenied
            return None
        found = self.get_object(request, unquote(pk))
        if found is None or not self.has_change_permission(request, found):
            raise Http404
        return found
