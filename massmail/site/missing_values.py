"""Everybody whom a launch would leave out for an empty value, as a file."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.views.decorators.http import require_safe

from massmail.models import MailingOut
from massmail.orchestrator.launch_plan import all_incomplete
from massmail.orchestrator.preflight import TROUBLE, compiled_for, trouble_in_words
from massmail.site.links import admin_url
from massmail.site.mailing_base import MailingPages
from massmail.site.suppression_files import csv_lines

COLUMNS = ["name", "address", "missing"]


class MissingValuesFile(MailingPages):
    """Mixin: a draft's `launch/missing/`."""

    def get_urls(self) -> list[URLPattern]:
        missing = path(
            "<path:object_id>/launch/missing/",
            self.admin_site.admin_view(require_safe(self.missing_view)),
            name="massmail_mailingout_missing",
        )
        return [missing, *super().get_urls()]

    def missing_view(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        mailing = self.object_or_404(request, object_id)
        late = not mailing.is_draft
        if refused := self.refusal(request, mailing, "launch", too_late=late):
            return refused
        try:
            compiled_for(mailing)
        except TROUBLE as trouble:
            messages.error(request, trouble_in_words(trouble))
            return HttpResponseRedirect(admin_url(self.admin_site, mailing, "launch"))
        return file_of(csv_lines(COLUMNS, missing_cells(mailing)), mailing)


def missing_cells(mailing: MailingOut) -> Iterator[list[str]]:
    for item in all_incomplete(mailing):
        row = item.delivery
        yield [row.name, row.address, ", ".join(item.missing)]


def file_of(lines: Iterator[str], mailing: MailingOut) -> HttpResponseBase:
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    name = f'attachment; filename="missing-values-{mailing.pk}.csv"'
    response.headers["Content-Disposition"] = name
    return response
