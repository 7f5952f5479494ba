"""Mailboxes: who sends through them, where they are, how they fare."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters

from massmail.backends.oauth2 import providers
from massmail.forms.email_account import EmailAccountForm
from massmail.forms.pause_account import PauseForm
from massmail.models import Alert, Delivery, EmailAccount
from massmail.models.alert import account_cause, mailbox_cause
from massmail.models.delivery_states import DOMAIN_LIMIT
from massmail.orchestrator.repair import held_up_by
from massmail.site.account_buttons import AccountButtons
from massmail.site.account_deletion import AccountDeletion
from massmail.site.account_facts import (
    Health,
    health_of,
    history_of,
    usages_of,
    waiting_count,
)
from massmail.site.account_handover import AccountHandover
from massmail.site.account_limits import limit_warnings, stated_limits, warm_up_words
from massmail.site.account_list import AccountList
from massmail.site.account_login import allow_forms_to, login_of
from massmail.site.account_mailbox import mailbox_facts
from massmail.site.links import admin_url

IDENTITY = (
    None,
    {
        "fields": [
            "name",
            ("from_name", "from_email"),
            "reply_to",
            ("is_main", "for_massmail"),
            "owner",
            "co_owner",
            "department",
        ]
    },
)
LOGIN_FIELDS = [
    "preset",
    ("email_host", "email_port", "security"),
    ("auth", "email_host_user"),
    "email_host_password",
]
LOGIN = (_("Server and login"), {"fields": [*LOGIN_FIELDS, "clear_password"]})
# There is no password yet that could be forgotten.
FIRST_LOGIN = (LOGIN[0], {"fields": LOGIN_FIELDS})
LIMITS = (
    _("Limits"),
    {
        "fields": [
            ("per_minute", "per_hour", "per_day"),
            "per_domain_hour",
            ("warm_up_start", "warm_up_growth"),
            ("min_gap_seconds", "max_gap_seconds"),
            "max_connections",
        ]
    },
)
RETURNS = (
    _("Returned mail"),
    {"fields": ["imports_mail", ("imap_host", "imap_port")]},
)
# A change of one of these may be what a stopped account has been waiting for.
CONNECTION_FIELDS = frozenset(
    {
        "from_email",
        "email_host",
        "email_port",
        "security",
        "auth",
        "email_host_user",
        "email_host_password",
    }
)


class EmailAccountAdmin(AccountList, AccountButtons, AccountHandover, AccountDeletion):
    """Its owner edits an account; co-owner and chief see neither server nor login.

    A read-only page shows values as they are, so secrets must not be on it at all.
    What the sender writes (state, reason, errors) is shown above the form, never in
    it: a form that was open for hours cannot undo it.
    """

    form = EmailAccountForm
    change_form_template = "admin/massmail/emailaccount/change_form.html"
    empty_hint = _(
        "Mailings leave through your own mailboxes. Add yours with its server and "
        "login, and test the connection on its page."
    )

    class Media:
        css = {"all": ["massmail/account.css"]}

    def get_fieldsets(
        self, request: HttpRequest, obj: EmailAccount | None = None
    ) -> list[Any]:
        if obj is not None and not self.has_change_permission(request, obj):
            return [IDENTITY, LIMITS]
        is_known = obj is not None and obj.email_host_password
        return [IDENTITY, LOGIN if is_known else FIRST_LOGIN, LIMITS, RETURNS]

    @method_decorator(sensitive_post_parameters("email_host_password"))
    def changeform_view(self, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().changeform_view(*args, **kwargs)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if account := kwargs.get("obj"):
            health = health_of(account, timezone.now())
            context |= {
                "health": health,
                "usages": usages_of(account, timezone.now()),
                "waiting": waiting_count(account),
                "history": history_of(account),
                "stated": stated_limits(account),
                "warm_up": warm_up_words(account, timezone.now()),
                "mailbox": mailbox_facts(account, timezone.now()),
            }
            if self.has_change_permission(request, account):
                context |= self.buttons_of(account, health)
                context |= self.login_of(account)
        response = super().render_change_form(request, context, *args, **kwargs)
        if context.get("login"):
            allow_forms_to(list(providers().values()), response)
        return response

    def login_of(self, account: EmailAccount) -> dict[str, Any]:
        """Where there is a provider to connect to."""
        login = login_of(account)
        is_shown = login.start_url and (login.provider or login.others)
        return {"login": login} if is_shown else {}

    def buttons_of(self, account: EmailAccount, health: Health) -> dict[str, Any]:
        """What makes sense now; recipients are offered to others while it rests."""
        names = ("test", "activate", "pause", "hand_over", "copy", "check_mailbox")
        return {
            "urls": {name: admin_url(self.admin_site, account, name) for name in names},
            "pause_form": PauseForm() if health.is_good else None,
            # Without a new consent it would stop at once again.
            "can_activate": not health.is_good and not login_of(account).is_lost,
            "can_check_mailbox": account.imports_mail and account.imap_host,
            "can_hand_over": not health.is_good and held_up_by(account).exists(),
        }

    def save_model(
        self, request: HttpRequest, obj: Any, form: Any, change: bool
    ) -> None:
        super().save_model(request, obj, form, change)
        if change and form.is_another_mailbox:
            EmailAccount.objects.forget_tokens(obj.pk)
        if change and "warm_up_start" in form.changed_data:
            # It begins anew, with the next message.
            EmailAccount.objects.filter(pk=obj.pk).update(warm_up_began_at=None)
        if change and "per_domain_hour" in form.changed_data:
            Delivery.objects.filter(email_account=obj).look_again(DOMAIN_LIMIT)
        for warning in limit_warnings(obj):
            messages.warning(request, warning)
        obj.needs_test = bool(CONNECTION_FIELDS.intersection(form.changed_data))
        if change and "owner" in form.changed_data:
            for cause in (account_cause(obj.pk), mailbox_cause(obj.pk)):
                Alert.objects.pass_on(cause=cause, recipient=obj.owner)

    def response_post_save_add(
        self, request: HttpRequest, obj: EmailAccount
    ) -> HttpResponseRedirect:
        messages.info(request, _("Test the connection before you send through it."))
        return self.to_account(obj)

    def response_post_save_change(
        self, request: HttpRequest, obj: Any
    ) -> HttpResponseRedirect:
        """Back to the account where there is something left to do with it."""
        if not obj.needs_test:
            return super().response_post_save_change(request, obj)
        if health_of(obj, timezone.now()).is_good:
            text = _("Test the connection: what it depends on has changed.")
        else:
            text = _("Test the connection, then activate the account again.")
        messages.info(request, text)
        return self.to_account(obj)
