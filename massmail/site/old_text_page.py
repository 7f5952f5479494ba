"""The page that brings in a text which was written for another system."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from massmail.forms.old_text import PARTS, OldTextForm
from massmail.site.message_base import MessagePages


class OldTextPage(MessagePages):
    """Mixin: `import/` turns a text into ours, shows what became of it, saves it."""

    def get_urls(self) -> list[URLPattern]:
        import_text = path(
            "import/",
            self.admin_site.admin_view(self.import_view),
            name="massmail_emlmessage_import",
        )
        return [import_text, *super().get_urls()]

    def import_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        is_sent = request.method == "POST"
        form = OldTextForm(
            request.POST if is_sent else None,
            request.FILES if is_sent else None,
            user=request.user,
        )
        report: list[dict[str, Any]] | None = None
        if is_sent and form.is_valid():
            if "_convert" not in request.POST and (message := form.saved()):
                messages.success(request, _("The message was saved."))
                return self.to_message(message)
            if "_convert" in request.POST:
                form, report = self.converted(request, form)
        context = {
            "form": form,
            "report": report,
            "is_clean": report is not None and not any(p["problems"] for p in report),
            "can_be_saved": report is not None or (is_sent and form.is_bound),
        }
        title = _("Bring in an old text")
        return self.message_page(request, None, "import", title, context)

    def converted(
        self, request: HttpRequest, form: OldTextForm
    ) -> tuple[OldTextForm, list[dict[str, Any]]]:
        """A form with the new text, and what was done to get it."""
        results = form.converted()
        texts = {part: result.text for part, result in results.items()}
        report = [
            {
                "part": form.fields[part].label,
                "changes": results[part].changes,
                "problems": results[part].problems,
            }
            for part in PARTS
            if results[part].changes or results[part].problems
        ]
        return OldTextForm(initial=texts, user=request.user), report
