"""The page that sends a message to somebody who checks it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from massmail.exceptions import NotAllowed, TrialRefused
from massmail.forms.trial import TrialForm, accounts_of
from massmail.models import Delivery, EmailAccount, EmlMessage, Heartbeat
from massmail.orchestrator.trial import send_test, tests_through_accounts_of
from massmail.recipients.registry import sources
from massmail.site.links import add_url_if_allowed, admin_url
from massmail.site.message_base import MessagePages
from massmail.site.moments import moment_text
from massmail.site.preview_choice import PreviewChoice
from massmail.site.reasons import reason_words
from massmail.site.variables import type_name

LATEST = 8


class TrialPage(MessagePages):
    """Mixin: a message's page `test/`."""

    def get_urls(self) -> list[URLPattern]:
        test = path(
            "<path:object_id>/test/",
            self.admin_site.admin_view(self.test_view),
            name="massmail_emlmessage_test",
        )
        return [test, *super().get_urls()]

    def test_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        message = self.object_or_404(request, object_id)
        is_sent = request.method == "POST"
        choice = PreviewChoice(
            request.POST if is_sent else request.GET, request.user, message
        )
        form = TrialForm(request.POST if is_sent else None, user=request.user)
        if is_sent and form.is_valid() and self.queued(request, message, form, choice):
            here = admin_url(self.admin_site, message, "test")
            return HttpResponseRedirect(f"{here}?{choice.query()}")
        context = self.test_context(request, message, form, choice)
        return self.message_page(request, message, "test", _("Send a test"), context)

    def queued(
        self,
        request: HttpRequest,
        message: EmlMessage,
        form: TrialForm,
        choice: PreviewChoice,
    ) -> bool:
        """Whether the test is on its way; otherwise the form says why not."""
        try:
            rows = send_test(
                message,
                by=request.user,
                account=form.cleaned_data["account"],
                readers=form.readers(),
                recipient=choice.recipient,
            )
        except TrialRefused as refused:
            form.add_error(None, refused.reasons)
            return False
        except NotAllowed as error:
            form.add_error("account", str(error))
            return False
        messages.success(request, sent_text(rows))
        return True

    def test_context(
        self,
        request: HttpRequest,
        message: EmlMessage,
        form: TrialForm,
        choice: PreviewChoice,
    ) -> dict[str, Any]:
        mailing = self.mailing_to_go_back_to(request, message)
        way_back = {"mailing": mailing.pk} if mailing else {}
        return {
            "form": form,
            "choice": choice,
            "types": [(source.label, type_name(source)) for source in sources()],
            "has_accounts": accounts_of(request.user).exists(),
            "add_account_url": add_url_if_allowed(
                self.admin_site, request, EmailAccount
            ),
            "latest": latest_tests(request.user, message),
            "is_running": Heartbeat.objects.is_alive(Heartbeat.BEAT, timezone.now()),
            "preview_url": (
                f"{admin_url(self.admin_site, message, 'preview')}?{choice.query()}"
            ),
            "message_url": admin_url(self.admin_site, message, **way_back),
            "mailing_url": admin_url(self.admin_site, mailing) if mailing else "",
        }

    def mailing_to_go_back_to(self, request: HttpRequest, message: Any) -> Any:
        """Hook: the mailing from which the person came, if any."""
        return None


def sent_text(rows: list[Delivery]) -> str:
    text = ngettext(
        "The test to %(addresses)s is on its way.",
        "The tests to %(addresses)s are on their way.",
        len(rows),
    )
    return text % {"addresses": ", ".join(row.address for row in rows)}


def latest_tests(user: Any, message: EmlMessage) -> list[dict[str, Any]]:
    """What became of the person's last tests of this message."""
    rows = tests_through_accounts_of(user).filter(version__message=message)
    return [
        {
            "row": row,
            "state": row.get_status_display(),
            "reason": reason_words(row.reason),
            "when": moment_text(row.sent_at or row.queued_at),
            "is_good": row.status == Delivery.Status.SENT,
            "is_bad": row.status in BAD,
        }
        for row in rows.select_related("email_account").order_by("-pk")[:LATEST]
    ]


BAD = (Delivery.Status.FAILED, Delivery.Status.SKIPPED, Delivery.Status.UNCERTAIN)
