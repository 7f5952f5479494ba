"""Duplicate a mailing, leave out who has its message, take its recipients away."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import F, Value
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from massmail.audience.selection import prepare_selected
from massmail.exceptions import NotAllowed, WrongState
from massmail.forms.duplicate import DuplicateForm
from massmail.models import Delivery, MailingOut
from massmail.orchestrator.repeating import (
    duplicate,
    exclude_received,
    may_duplicate,
    waiting_with_message,
)
from massmail.reports.returns import returns_by_delivery
from massmail.site.create_mailing import AT_ONCE, SECONDS_AT_ONCE
from massmail.site.delivery import HIDDEN, belongs_to_others
from massmail.site.delivery_events import told_of
from massmail.site.mailing_base import MailingPages
from massmail.site.mailing_facts import number
from massmail.site.mailing_responses import LABELS
from massmail.site.reasons import reason_words
from massmail.site.suppression_files import csv_lines

# Rows that are in memory at a time.
CHUNK = 2000
COLUMNS = (
    "name",
    "address",
    "status",
    "reason",
    "server",
    "attempts",
    "sent_at",
    "account",
    "came_back",
)

FIELDS = (
    "pk",
    "is_hidden",
    "name",
    "address",
    "status",
    "reason",
    "smtp_code",
    "smtp_enhanced",
    "smtp_text",
    "attempts",
    "sent_at",
    "account",
)


class RepeatPages(MailingPages):
    """Mixin: what is done with a mailing's recipients besides mailing them."""

    def get_urls(self) -> list[URLPattern]:
        pages: dict[str, Callable[..., HttpResponseBase]] = {
            "duplicate": self.duplicate_view,
            "exclude_received": self.exclude_received_view,
            "export": require_GET(self.export_view),
        }
        own = [
            path(
                f"<path:object_id>/{name}/",
                self.admin_site.admin_view(view),
                name=f"massmail_mailingout_{name}",
            )
            for name, view in pages.items()
        ]
        return [*own, *super().get_urls()]

    def duplicate_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        mailing = self.object_or_404(request, object_id)
        if not may_duplicate(request.user, mailing):
            raise PermissionDenied
        initial = {"name": _("%(name)s, again") % {"name": mailing.name}}
        data = request.POST if request.method == "POST" else None
        form = DuplicateForm(data, initial=initial)
        if form.is_valid() and (copy := self.copy_of(request, mailing, form)):
            return self.to_mailing(copy)
        context = {"form": form, "count": mailing.recipients_count}
        title = _("Duplicate the mailing")
        return self.page(request, mailing, "duplicate", title, context)

    def copy_of(
        self, request: HttpRequest, mailing: MailingOut, form: DuplicateForm
    ) -> MailingOut | None:
        try:
            copy = duplicate(mailing, by=request.user, **form.cleaned_data)
        except (NotAllowed, WrongState) as error:
            messages.error(request, str(error))
            return None
        count = copy.selection["chosen"]
        if count <= AT_ONCE:
            prepare_selected(copy, seconds=SECONDS_AT_ONCE)
        messages.success(request, duplicated_text(count))
        return copy

    def exclude_received_view(
        self, request: HttpRequest, object_id: str
    ) -> HttpResponse:
        """Asked first, with the number."""
        mailing = self.object_or_404(request, object_id)
        late = mailing.is_final or mailing.prepared_at is None
        if refused := self.refusal(request, mailing, "cancel", too_late=late):
            return refused
        if request.method == "POST":
            self.leave_out(request, mailing)
            return self.to_mailing(mailing)
        context = {"count": waiting_with_message(mailing).count()}
        title = _("Leave out who has received this message already")
        return self.page(request, mailing, "exclude_received", title, context)

    def leave_out(self, request: HttpRequest, mailing: MailingOut) -> None:
        try:
            count = exclude_received(mailing, by=request.user)
        except (NotAllowed, WrongState) as error:
            messages.error(request, str(error))
        else:
            messages.success(request, excluded_text(count))

    def export_view(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """All recipients and what became of them, as CSV; in any number."""
        mailing = self.object_or_404(request, object_id)
        rows = mailing.deliveries.order_by("pk")
        hidden = Value(False) if request.user.is_superuser else belongs_to_others()
        # Of a draft it is only planned.
        account = F("email_account__from_email") if mailing.launched_at else Value("")
        rows = rows.annotate(is_hidden=hidden, account=account)
        lines = csv_lines(COLUMNS, cells_of(rows, returns_by_delivery(mailing)))
        response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
        name = f"mailing-{mailing.pk}-recipients.csv"
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return response


def cells_of(
    rows: Any, returns: Mapping[int, list[tuple[str, str]]]
) -> Iterator[list[str]]:
    """As plain tuples: 100,000 objects would take several times as long."""
    labels = dict(Delivery.Status.choices)
    for row in rows.values_list(*FIELDS, named=True).iterator(CHUNK):
        server = [str(row.smtp_code or ""), row.smtp_enhanced, row.smtp_text]
        yield [
            str(HIDDEN) if row.is_hidden else row.name,
            "" if row.is_hidden else row.address,
            str(labels[row.status]),
            reason_words(row.reason) if row.reason else "",
            " ".join(filter(None, server)),
            str(row.attempts),
            row.sent_at.isoformat(timespec="seconds") if row.sent_at else "",
            row.account or "",
            "" if row.is_hidden else came_back_text(returns.get(row.pk, [])),
        ]


def came_back_text(events: list[tuple[str, str]]) -> str:
    """In our words, each once: those of servers and answers are on the pages."""
    told = (
        ": ".join(filter(None, [str(LABELS[kind]), told_of(kind, detail).text]))
        for kind, detail in events
    )
    return "; ".join(dict.fromkeys(told))


def duplicated_text(count: int) -> str:
    text = ngettext(
        "A draft with %(number)s recipient was created. Nothing is sent before you "
        "launch it.",
        "A draft with %(number)s recipients was created. Nothing is sent before you "
        "launch it.",
        count,
    )
    return text % {"number": number(count)}


def excluded_text(count: int) -> str:
    text = ngettext(
        "%(number)s recipient has the message already and is left out.",
        "%(number)s recipients have the message already and are left out.",
        count,
    )
    return text % {"number": number(count)}
