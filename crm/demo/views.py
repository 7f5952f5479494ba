"""Pages of the demo alone: the caught mail, and the company's page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp
from django.conf import settings
from django.contrib import admin
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from crm.demo.catcher.reading import ReadableMail
from crm.demo.catcher.store import CaughtMail, MailReader

PER_PAGE = 50
# A mail brings its own styles and is let do nothing else: no script, no form, no
# request, no way to the page around it. Its links open new windows.
FRAME_CSP = {
    "default-src": [NONE],
    "style-src": [UNSAFE_INLINE],
    "img-src": ["data:"],
    "base-uri": [NONE],
    "form-action": [NONE],
    "frame-ancestors": [SELF],
    "sandbox": ["allow-popups", "allow-popups-to-escape-sandbox"],
}


def reader() -> MailReader:
    # Of the development settings, which mypy does not read.
    return MailReader(Path(settings.DEMO_CATCHER_DIR))  # type: ignore[misc]


def find_mail(number: int) -> CaughtMail:
    mail = reader().get(number)
    if mail is None:
        raise Http404(_("There is no such mail."))
    return mail


class CaughtMailList:
    """What a Paginator asks for, without holding more than a page."""

    def __init__(self, search: str) -> None:
        self.search = search

    def __len__(self) -> int:
        return reader().count(self.search)

    def __getitem__(self, page: slice) -> list[CaughtMail]:
        limit = page.stop - page.start
        return reader().page(search=self.search, offset=page.start, limit=limit)


@require_safe
def mail_list(request: HttpRequest) -> HttpResponse:
    search = request.GET.get("q", "").strip()[:200]
    # The stubs want more of a list than Django does.
    mails: Any = CaughtMailList(search)
    paginator = Paginator(mails, PER_PAGE)
    page = paginator.get_page(request.GET.get("page"))
    context = {"title": _("Caught mail"), "page": page, "search": search}
    return show(request, "crm/demo/mail_list.html", context)


@require_safe
def mail_detail(request: HttpRequest, number: int) -> HttpResponse:
    mail = find_mail(number)
    readable = ReadableMail(reader().raw(mail))
    context = {
        "title": mail.subject or _("(no subject)"),
        "mail": mail,
        "headers": readable.headers(),
        "text": readable.text(),
        "has_html": readable.has_html(),
        "parts": list(readable.parts()),
    }
    return show(request, "crm/demo/mail.html", context)


# Its type leaves out what a view gets from the address.
@csp(FRAME_CSP)  # type: ignore[arg-type]
@require_safe
def mail_frame(request: HttpRequest, number: int) -> HttpResponse:
    """The mail's own HTML, for the sandboxed frame of its page."""
    html = ReadableMail(reader().raw(find_mail(number))).html()
    response = HttpResponse(html)
    response["Referrer-Policy"] = "no-referrer"
    return response


@require_safe
def mail_source(request: HttpRequest, number: int) -> HttpResponse:
    """The mail as it came; `?download` saves it as a file."""
    raw = reader().raw(find_mail(number))
    if "download" not in request.GET:
        return HttpResponse(raw, content_type="text/plain; charset=utf-8")
    headers = {"Content-Disposition": f'attachment; filename="{number}.eml"'}
    return HttpResponse(raw, content_type="message/rfc822", headers=headers)


@require_safe
def company_page(request: HttpRequest) -> HttpResponse:
    """Where people arrive after unsubscribing."""
    return render(request, "crm/demo/company.html")


def show(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    return render(request, template, {**admin.site.each_context(request), **context})
