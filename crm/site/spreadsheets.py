"""Pages that bring records in from a spreadsheet, and take them out into one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_POST

from crm.resources import RecordResource
from crm.resources.files import (
    FORMATS,
    MAX_BYTES,
    UnreadableFile,
    Upload,
    read_table,
    write_file,
)
from crm.resources.importing import Report, check_rows, import_rows
from crm.site.import_files import FileIsGone, keep, take


class ImportForm(forms.Form):
    """A file; what it holds is checked by the page."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy("CSV (UTF-8) or XLSX, at most 10 MB and 10,000 rows"),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.xlsx"}),
    )

    def clean_file(self) -> Upload:
        file = self.cleaned_data["file"]
        if file.size > MAX_BYTES:
            text = _("The file has %(size)s. At most %(most)s are taken.")
            sizes = {
                "size": filesizeformat(file.size),
                "most": filesizeformat(MAX_BYTES),
            }
            raise forms.ValidationError(text % sizes)
        return Upload(file.name, file.read())


class Spreadsheets(admin.ModelAdmin):
    """Mixin of a record's admin; subclasses name their `resource_class`."""

    resource_class: type[RecordResource]
    change_list_template = "crm/record_change_list.html"

    def get_urls(self) -> list[URLPattern]:
        pages = {
            "import": self.import_view,
            "import/confirm": require_POST(self.import_confirm_view),
            **{
                f"export/{kind}": require_GET(self.export_view(kind))
                for kind in FORMATS
            },
        }
        urls = [
            path(
                f"{route}/",
                self.admin_site.admin_view(view),
                name=self._url_name(route.replace("/", "_")),
            )
            for route, view in pages.items()
        ]
        return [*urls, *super().get_urls()]

    def has_import_permission(self, request: HttpRequest) -> bool:
        """New rows and changed ones come in one file."""
        return self.has_add_permission(request) and self.has_change_permission(request)

    def resource(self, request: HttpRequest) -> RecordResource:
        return self.resource_class(user=request.user)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        query = request.GET.urlencode()
        links = {
            "has_import_permission": self.has_import_permission(request),
            "import_url": self._url("import"),
            "exports": [
                {"name": kind.upper(), "url": f"{self._url(f'export_{kind}')}?{query}"}
                for kind in FORMATS
            ],
        }
        return super().changelist_view(request, links | (extra_context or {}))

    # --- in

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Asks for a file; shows what its rows would do."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        is_post = request.method == "POST"
        form = ImportForm(request.POST, request.FILES) if is_post else ImportForm()
        if not form.is_valid():
            return self._import_page(request, form)
        upload, resource = form.cleaned_data["file"], self.resource(request)
        try:
            table = read_table(upload, self._column_names())
        except UnreadableFile as error:
            form.add_error("file", str(error))
            return self._import_page(request, form)
        report = check_rows(resource, table)
        ticket = keep(upload, request.user) if report.good else ""
        return self._import_page(request, form, report=report, ticket=ticket)

    def import_confirm_view(self, request: HttpRequest) -> HttpResponse:
        """Brings in what was checked, as it is now."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        try:
            upload = take(request.POST.get("ticket", ""), request.user)
            table = read_table(upload, self._column_names())
        except (FileIsGone, UnreadableFile):
            text = _("The file is not there any more. Choose it once more.")
            messages.error(request, text)
            return HttpResponseRedirect(self._url("import"))
        report = import_rows(self.resource(request), table, upload.name)
        messages.success(request, imported_text(report))
        if report.bad:
            return self._import_page(request, ImportForm(), report=report, done=True)
        return HttpResponseRedirect(self._url("changelist"))

    def _import_page(
        self, request: HttpRequest, form: ImportForm, **facts: Any
    ) -> TemplateResponse:
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "title": _("Import %(names)s") % {"names": self.opts.verbose_name_plural},
            "subtitle": None,
            "opts": self.opts,
            "form": form,
            "columns": self._columns(request),
            "import_url": self._url("import"),
            "confirm_url": self._url("import_confirm"),
            "list_url": self._url("changelist"),
            **facts,
        }
        return TemplateResponse(request, "crm/import.html", context)

    def _columns(self, request: HttpRequest) -> list[dict[str, str]]:
        """What a file may have, with the names that people use."""
        fields = self.resource(request).get_import_fields()
        return [
            {"name": field.column_name, "label": self._label(field.column_name)}
            for field in fields
            if not field.readonly
        ]

    def _label(self, name: str) -> str:
        return capfirst(self.model._meta.get_field(name).verbose_name)

    def _column_names(self) -> dict[str, str]:
        """{what stands in a file, in lower case: the column}."""
        names = self.resource_class._meta.fields
        labels = {self._label(name).lower(): name for name in names}
        return labels | {name: name for name in names} | {"e-mail": "email"}

    # --- out

    def export_view(self, kind: str) -> Any:
        """The rows of the list as it is filtered now."""

        def view(request: HttpRequest) -> HttpResponse:
            if not self.has_view_permission(request):
                raise PermissionDenied
            try:
                rows = self.get_changelist_instance(request).get_queryset(request)
            except IncorrectLookupParameters as error:
                raise Http404 from error
            table = self.resource(request).export(rows)
            content, media_type = write_file(table, kind)
            name = f"{self.opts.model_name}-{timezone.localdate():%Y-%m-%d}.{kind}"
            disposition = f'attachment; filename="{name}"'
            headers = {"Content-Disposition": disposition}
            return HttpResponse(content, content_type=media_type, headers=headers)

        return view

    def _url_name(self, name: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{name}"

    def _url(self, name: str) -> str:
        return reverse(
            f"admin:{self._url_name(name)}", current_app=self.admin_site.name
        )


def imported_text(report: Report) -> str:
    """Counts of what was done with the rows."""
    parts = [
        ngettext("%d new", "%d new", report.new) % report.new,
        ngettext("%d changed", "%d changed", report.changed) % report.changed,
        ngettext("%d unchanged", "%d unchanged", report.unchanged) % report.unchanged,
    ]
    if report.bad:
        bad = len(report.bad)
        parts.append(ngettext("%d left out", "%d left out", bad) % bad)
    return _("The import is done: %(counts)s.") % {"counts": ", ".join(parts)}
