"""Test, pause and activate an account, read its mailbox: one click each."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from massmail.exceptions import WrongState
from massmail.forms.pause_account import PauseForm
from massmail.models import EmailAccount
from massmail.orchestrator.copying_accounts import copy_account
from massmail.orchestrator.polling import poll_mailbox
from massmail.orchestrator.probing import Step, phases_of, probe_connection
from massmail.sending.account_health import pause, reactivate
from massmail.site.account_base import AccountPages
from massmail.site.account_facts import Tone, server_words, tone_of
from massmail.site.links import admin_url
from massmail.site.poll_words import poll_words
from massmail.site.probe_words import STATES, phase_words

FAILED, UNTESTED = "failed", "untested"
# What a look into a mailbox came to.
LEVELS = {
    "read": messages.SUCCESS,
    "busy": messages.INFO,
    "off": messages.WARNING,
}


class AccountButtons(AccountPages):
    """Mixin: what the owner can do with an account."""

    def get_urls(self) -> list[URLPattern]:
        pages: dict[str, Callable[..., HttpResponseBase]] = {
            "test": self.test_view,
            "activate": require_POST(self.activate_view),
            "pause": require_POST(self.pause_view),
            "check_mailbox": require_POST(self.check_mailbox_view),
            "copy": require_POST(self.copy_view),
        }
        own = [
            path(
                f"<path:object_id>/{name}/",
                self.admin_site.admin_view(view),
                name=f"massmail_emailaccount_{name}",
            )
            for name, view in pages.items()
        ]
        return [*own, *super().get_urls()]

    def test_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """A POST connects; a GET says what would be tried."""
        account = self.changeable(request, object_id)
        is_tested = request.method == "POST"
        steps = probe_connection(account) if is_tested else untested(account)
        context = {
            "is_tested": is_tested,
            "has_failed": any(step.state == FAILED for step in steps),
            "steps": [facts_of(step) for step in steps],
            "is_ready": tone_of(account, timezone.now()) == Tone.GOOD,
            "activate_url": admin_url(self.admin_site, account, "activate"),
        }
        return self.page(request, account, "test", _("Test the connection"), context)

    def activate_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What stopped the account is mended: it sends again."""
        account = self.changeable(request, object_id)
        reactivate(account, by=request.user, now=timezone.now())
        messages.success(request, _("The account sends again."))
        return self.to_account(account)

    def pause_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        account = self.changeable(request, object_id)
        form, now = PauseForm(request.POST), timezone.now()
        if not form.is_valid():
            messages.error(request, _("Choose from the list how long it rests."))
            return self.to_account(account)
        try:
            pause(account, by=request.user, until=form.until(now), now=now)
        except WrongState as error:
            messages.error(request, str(error))
        else:
            text = _("The account rests. What is on its way now still arrives.")
            messages.success(request, text)
        return self.to_account(account)

    def check_mailbox_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Also what a person presses who has mended it elsewhere, at the provider."""
        account = self.changeable(request, object_id)
        poll = poll_mailbox(account.pk)
        level = LEVELS.get(poll.state, messages.ERROR)
        messages.add_message(request, level, poll_words(poll, timezone.now()))
        return self.to_account(account)

    def copy_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """A new account with the same server and limits, without any secret."""
        account = self.changeable(request, object_id)
        if not self.has_add_permission(request):
            raise PermissionDenied
        copy = copy_account(account)
        text = _(
            "This is the copy. It has no password and does not send before you "
            "activate it."
        )
        messages.success(request, text)
        return self.to_account(copy)


def untested(account: EmailAccount) -> list[Step]:
    return [Step(phase, UNTESTED) for phase in phases_of(account)]


def facts_of(step: Step) -> dict[str, str]:
    mark, state = STATES[step.state]
    return {
        "state": step.state,
        "mark": mark,
        "state_words": str(state),
        "phase": phase_words(step.phase),
        "server_words": server_words(step.words),
        "help_text": step.help_text,
    }
