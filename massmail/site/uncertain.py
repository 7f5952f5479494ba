"""Rows that need a person: uncertain ones to decide, failed ones to send again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
)
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from massmail.exceptions import NotAllowed, WrongState
from massmail.forms.uncertain import Decision, DecisionForm
from massmail.models import Delivery, MailingOut
from massmail.orchestrator.repair import (
    count_as_sent,
    send_again,
    send_again_to_failed,
    skips_if_sent_again,
)
from massmail.recipients.access import access_policy
from massmail.reports.statistics import Group, Progress, progress_of, reason_counts
from massmail.site.links import admin_url
from massmail.site.mailing_base import MailingPages
from massmail.site.mailing_facts import number
from massmail.site.reasons import reason_words

ROWS_PER_PAGE = 100
# Each row is settled in a commit of its own, while somebody waits.
ROWS_AT_ONCE = 1000


class RepairPages(MailingPages):
    """Mixin: what is left for a person when a mailing has met faults."""

    def get_urls(self) -> list[URLPattern]:
        pages: dict[str, Callable[..., HttpResponseBase]] = {
            "uncertain": self.uncertain_view,
            "send_again": self.send_again_view,
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

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Brings `repair` to the template: what there is to do, for who may do it."""
        mailing = kwargs.get("obj")
        if mailing and access_policy().may(request.user, "resolve", mailing):
            progress = Progress(context["facts"]["counts"])
            context["repair"] = self.repairs_of(mailing, progress)
        return super().render_change_form(request, context, *args, **kwargs)

    def repairs_of(self, mailing: MailingOut, progress: Progress) -> dict[str, Any]:
        groups = progress.groups
        return {
            "uncertain": groups[Group.UNCERTAIN],
            "uncertain_url": admin_url(self.admin_site, mailing, "uncertain"),
            "failed": 0 if is_over(mailing) else groups[Group.FAILED],
            "send_again_url": admin_url(self.admin_site, mailing, "send_again"),
        }

    def uncertain_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The list; a POST of ticked rows asks back, and a confirmed one decides."""
        mailing = self.object_or_404(request, object_id)
        if refused := self.refusal(request, mailing, "resolve", too_late=False):
            return refused
        if request.method != "POST":
            return self.list_uncertain(request, mailing)
        form = DecisionForm(request.POST)
        if not form.is_valid():
            messages.error(request, form.first_error())
            return HttpResponseRedirect(request.get_full_path())
        if "confirmed" in request.POST:
            return self.decide(request, mailing, form)
        return self.ask(request, mailing, form)

    def list_uncertain(self, request: HttpRequest, mailing: MailingOut) -> HttpResponse:
        rows = uncertain_rows(mailing).select_related("email_account")
        shown = Paginator(rows, ROWS_PER_PAGE).get_page(request.GET.get("p"))
        row: Any
        for row in shown:
            row.reason_in_words = reason_words(row.reason)
        context = {
            "rows": shown,
            "seen_at": timezone.now().isoformat(),
            "is_over": is_over(mailing),
        }
        return self.page(
            request, mailing, "uncertain", _("Uncertain messages"), context
        )

    def ask(
        self, request: HttpRequest, mailing: MailingOut, form: DecisionForm
    ) -> HttpResponse:
        count = form.chosen(uncertain_rows(mailing)).count()
        answer = form.cleaned_data
        context = {
            "count": min(count, ROWS_AT_ONCE),
            "left_over": max(count - ROWS_AT_ONCE, 0),
            "is_again": answer["decision"] == Decision.AGAIN,
            "is_over": is_over(mailing),
            "answer": answer,
            "seen_at": answer["seen_at"].isoformat(),
            "back_url": admin_url(self.admin_site, mailing, "uncertain"),
        }
        title = _("Are you sure?")
        return self.page(request, mailing, "uncertain_confirm", title, context)

    def decide(
        self, request: HttpRequest, mailing: MailingOut, form: DecisionForm
    ) -> HttpResponse:
        chosen = form.chosen(uncertain_rows(mailing))
        keys = list(chosen.values_list("pk", flat=True)[:ROWS_AT_ONCE])
        is_again = form.cleaned_data["decision"] == Decision.AGAIN
        settle = send_again if is_again else count_as_sent
        try:
            count = settle(uncertain_rows(mailing).filter(pk__in=keys), by=request.user)
        except NotAllowed as error:
            messages.error(request, str(error))
            return self.to_mailing(mailing)
        text = settled_text(count, again=is_again, over=is_over(mailing))
        messages.success(request, text)
        if uncertain_rows(mailing).exists():
            url = admin_url(self.admin_site, mailing, "uncertain")
            return HttpResponseRedirect(url)
        return self.to_mailing(mailing)

    def send_again_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        mailing = self.object_or_404(request, object_id)
        failed = reason_counts(mailing, progress_of(mailing))[Group.FAILED]
        too_late = is_over(mailing) or not failed
        if refused := self.refusal(request, mailing, "resolve", too_late=too_late):
            return refused
        if request.method == "POST":
            return self.put_back(request, mailing)
        skips = skips_if_sent_again(mailing)
        skipped = sum(skips.values())
        context = {
            "again": sum(count for _reason, count in failed) - skipped,
            "reasons": [(reason_words(reason), count) for reason, count in failed],
            "skips": [(reason_words(reason), count) for reason, count in skips.items()],
            "skipped": skipped,
        }
        title = _("Send again to those that failed")
        return self.page(request, mailing, "send_again", title, context)

    def put_back(self, request: HttpRequest, mailing: MailingOut) -> HttpResponse:
        try:
            count = send_again_to_failed(mailing, by=request.user)
        except (NotAllowed, WrongState) as error:
            messages.error(request, str(error))
        else:
            messages.success(request, put_back_text(count))
        return self.to_mailing(mailing)


def uncertain_rows(mailing: MailingOut) -> QuerySet[Delivery]:
    return Delivery.objects.filter(
        mailing=mailing, status=Delivery.Status.UNCERTAIN
    ).order_by("pk")


def is_over(mailing: MailingOut) -> bool:
    return mailing.is_over(timezone.now())


def settled_text(count: int, *, again: bool, over: bool) -> str:
    """What became of them; a mailing that is over sends nothing again."""
    if not count:
        return _("Nothing was left to decide: they were settled meanwhile.")
    if not again:
        text = ngettext(
            "%(count)s message counts as sent.",
            "%(count)s messages count as sent.",
            count,
        )
    elif over:
        text = ngettext(
            "%(count)s message counts as not mailed.",
            "%(count)s messages count as not mailed.",
            count,
        )
    else:
        text = ngettext(
            "%(count)s message is sent again.",
            "%(count)s messages are sent again.",
            count,
        )
    return text % {"count": number(count)}


def put_back_text(count: int) -> str:
    text = ngettext(
        "%(count)s recipient waits to be mailed again.",
        "%(count)s recipients wait to be mailed again.",
        count,
    )
    return text % {"count": number(count)}
