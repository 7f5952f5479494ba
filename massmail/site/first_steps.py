"""What a new manager does before, and with, the first mailing."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.utils.translation import gettext as _

from massmail.guide import help_url
from massmail.models import EmailAccount, EmlMessage, MailingOut, Signature
from massmail.orchestrator.trial import tests_through_accounts_of
from massmail.permissions import mass_mail_accounts
from massmail.site.beginnings import create_url
from massmail.site.links import add_url_if_allowed, admin_url

Step = dict[str, Any]


def first_steps(site: AdminSite, request: HttpRequest) -> list[Step]:
    """Each with whether it is done; none for who does not mail, or has done all."""
    user: Any = request.user
    if not user.has_perm("massmail.add_mailingout"):
        return []
    messages = EmlMessage.objects.filter(owner=user).order_by("-updated_at")
    # Without the texts, all of which would be sorted with them.
    message = messages.only("pk").first()
    launched = MailingOut.objects.filter(owner=user, launched_at__isnull=False)
    steps = [
        step(
            _("An email account for mass mail"),
            EmailAccount.objects.filter(mass_mail_accounts(user.pk)).exists(),
            add_url_if_allowed(site, request, EmailAccount),
            "before-the-first-mailing",
        ),
        step(
            _("A signature"),
            Signature.objects.filter(owner=user).exists(),
            add_url_if_allowed(site, request, Signature),
            "before-the-first-mailing",
        ),
        step(
            _("A message"),
            message is not None,
            add_url_if_allowed(site, request, EmlMessage),
            "write",
        ),
        step(
            _("A test of it, to yourself"),
            tests_through_accounts_of(user).exists(),
            admin_url(site, message, "test") if message else "",
            "send-a-test",
        ),
        step(
            _("The first mailing"),
            launched.exists(),
            create_url(site, request),
            "launch",
        ),
    ]
    return [] if all(entry["is_done"] for entry in steps) else steps


def step(title: str, is_done: bool, url: str, anchor: str) -> Step:
    """`anchor` is the section of the user guide that explains it."""
    return {
        "title": title,
        "is_done": is_done,
        "url": "" if is_done else url,
        "help_url": help_url(anchor),
    }
