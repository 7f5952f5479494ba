"""Pause, resume, cancel, and the numbers that refresh a mailing's page."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from massmail.exceptions import NotAllowed, WrongState
from massmail.models import MailingOut
from massmail.orchestrator import lifecycle
from massmail.reports.statistics import Group, progress_of
from massmail.site.mailing_base import MailingPages
from massmail.site.mailing_facts import page_facts, unadded

Action = Callable[..., MailingOut]


class MailingButtons(MailingPages):
    """Mixin: what can be done with a mailing by one click, or by two."""

    def get_urls(self) -> list[URLPattern]:
        pages: dict[str, Callable[..., HttpResponseBase]] = {
            "progress": require_GET(never_cache(self.progress_view)),
            "pause": require_POST(self.pause_view),
            "resume": require_POST(self.resume_view),
            "cancel": self.cancel_view,
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

    def progress_view(self, request: HttpRequest, object_id: str) -> JsonResponse:
        """Numbers, sentence and buttons; `?forecast=1` brings the forecast, too."""
        mailing = self.object_or_404(request, object_id)
        facts = page_facts(
            self.admin_site,
            request,
            mailing,
            with_forecast=request.GET.get("forecast") == "1",
        )
        return JsonResponse(facts)

    def pause_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        text = _("The mailing is paused. What is on its way now still arrives.")
        return self.do(request, object_id, lifecycle.pause, text)

    def resume_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.do(request, object_id, lifecycle.resume, _("The mailing goes on."))

    def cancel_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Cannot be undone, so it is asked first."""
        if request.method == "POST":
            text = _("The mailing is cancelled. Who was still waiting is not mailed.")
            return self.do(request, object_id, lifecycle.cancel, text)
        mailing = self.object_or_404(request, object_id)
        is_final = mailing.is_final
        if refused := self.refusal(request, mailing, "cancel", too_late=is_final):
            return refused
        groups = progress_of(mailing).groups
        waiting = groups[Group.WAITING] + unadded(mailing)
        context = {"sent": groups[Group.SENT], "waiting": waiting}
        return self.page(request, mailing, "cancel", _("Cancel the mailing?"), context)

    def do(
        self, request: HttpRequest, object_id: str, action: Action, done: str
    ) -> HttpResponse:
        """One change and its message; then the mailing's page."""
        mailing = self.object_or_404(request, object_id)
        try:
            action(mailing, by=request.user)
        except (NotAllowed, WrongState) as error:
            messages.error(request, str(error))
        else:
            messages.success(request, done)
        return self.to_mailing(mailing)
