"""The "don't mail" list as a file: in and out."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from common.site.read_only import is_superuser
from common.spreadsheets import guarded
from massmail.forms.suppression_import import SHOWN_ERRORS, SuppressionImportForm
from massmail.models import SuppressedAddress
from massmail.site.links import admin_url

COLUMNS = ("address", "domain", "reason", "source", "since", "by")


class SuppressionFiles(admin.ModelAdmin):
    """Mixin: the pages to import and to export."""

    change_list_template = "admin/massmail/suppressedaddress/change_list.html"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path(
                "import/",
                wrap(self.import_view),
                name="massmail_suppressedaddress_import",
            ),
            path(
                "export/",
                wrap(require_GET(self.export_view)),
                name="massmail_suppressedaddress_export",
            ),
            *super().get_urls(),
        ]

    def import_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = SuppressionImportForm(
            request.POST or None,
            request.FILES or None,
            is_full=is_superuser(request),
        )
        if request.method == "POST" and form.is_valid():
            self.take(request, form)
            return redirect(admin_url(self.admin_site, SuppressedAddress))
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Import addresses that must not be mailed"),
            "form": form,
            "list_url": admin_url(self.admin_site, SuppressedAddress),
        }
        return TemplateResponse(
            request, "admin/massmail/suppressedaddress/import.html", context
        )

    def take(self, request: HttpRequest, form: SuppressionImportForm) -> None:
        """What the file says, and in words what came of it."""
        found = form.cleaned_data["file"]
        added = SuppressedAddress.objects.suppress_many(
            addresses=found.addresses.values(),
            domains=found.domains,
            reason=form.chosen_reason,
            source=_("file “%(name)s”") % {"name": str(form.files["file"])[:150]},
            by=request.user,
        )
        known = len(found.addresses) + len(found.domains) - added
        text = ngettext(
            "%(count)d entry was added.", "%(count)d entries were added.", added
        )
        told = [text % {"count": added}]
        if known:
            told.append(_("On the list already: %(count)d.") % {"count": known})
        messages.success(request, " ".join(told))
        if found.wrong:
            shown = ", ".join(
                f"{line}: {text[:60]}" for line, text in found.wrong[:SHOWN_ERRORS]
            )
            text = ngettext(
                "%(count)d line is no address (%(shown)s).",
                "%(count)d lines are no addresses (%(shown)s).",
                len(found.wrong),
            )
            messages.warning(
                request, text % {"count": len(found.wrong), "shown": shown}
            )

    def export_view(self, request: HttpRequest) -> StreamingHttpResponse:
        """All rows that the person may see.

        Without those that are about one target list: whoever reads the file, this
        page's own import too, takes its addresses for ones that nobody may mail.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = self.get_queryset(request).filter(target_list=None)
        rows = rows.select_related("by").order_by("pk")
        response = StreamingHttpResponse(
            csv_lines(COLUMNS, (cells(row) for row in rows.iterator(2000))),
            content_type="text/csv; charset=utf-8",
        )
        name = f"do-not-mail-{timezone.localdate().isoformat()}.csv"
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return response


def cells(row: SuppressedAddress) -> list[str]:
    return [
        row.address,
        row.domain,
        row.reason,
        row.source,
        row.created_at.isoformat(timespec="seconds"),
        str(row.by or ""),
    ]


class Echo:
    """A file for `csv` that hands back what is written."""

    def write(self, text: str) -> str:
        return text


def csv_lines(columns: Iterable[str], rows: Iterable[list[str]]) -> Iterator[str]:
    writer: Any = csv.writer(Echo())
    yield "\ufeff" + writer.writerow(columns)
    for row in rows:
        yield writer.writerow([guarded(cell) for cell in row])
