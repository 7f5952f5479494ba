"""The list of email accounts: state, use, limits and the last mailing of each."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from massmail.models import EmailAccount, MailingOut
from massmail.recipients.access import access_policy
from massmail.reports.latest_mailings import latest_mailings
from massmail.site.account_base import AccountPages
from massmail.site.account_facts import (
    Tone,
    reason_in_words,
    server_words,
    shown_tone,
    usages_today,
)
from massmail.site.account_mailbox import mailbox_facts
from massmail.site.base import OWNER_FILTER
from massmail.site.moments import moment_text


class AccountChangeList(ChangeList):
    """Brings the last day's numbers to the accounts of one page, by few queries."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        usages = usages_today(self.result_list, timezone.now())
        visible = access_policy().visible(request.user, MailingOut.objects.all())
        latest = latest_mailings(self.result_list, visible)
        for account in self.result_list:
            account.today = usages[account.pk]
            account.latest = latest.get(account.pk)


# A flag of an account → what it is used for.
USES = {
    "is_main": _("VIPs"),
    "for_massmail": _("mass mail"),
    "imports_mail": _("returned mail"),
}


class UseFilter(admin.SimpleListFilter):
    """For what an account is there, by the words of its column."""

    title, parameter_name = _("use"), "use"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return list(USES.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        field = self.value()
        if field not in USES:
            return queryset
        accounts = queryset.filter(**{field: True})
        # The main account sends to VIPs alone.
        return accounts.filter(is_main=False) if field == "for_massmail" else accounts


class AccountList(AccountPages):
    """Mixin: the list of accounts."""

    list_display = [
        "account",
        "health",
        "sent_today",
        "last_mailing",
        "used_for",
        "owner",
    ]
    list_filter = ["state", UseFilter, OWNER_FILTER]
    list_select_related = ["owner", "mailbox"]
    search_fields = ["name", "from_email"]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return AccountChangeList

    @admin.display(description=_("account"), ordering="name")
    def account(self, account: EmailAccount) -> str:
        return format_html(
            '{}<span class="mm-account-address">{}</span>',
            account.name,
            account.from_email,
        )

    @admin.display(description=_("state, last error"), ordering="state")
    def health(self, account: EmailAccount) -> str:
        now = timezone.now()
        tone = shown_tone(account, now)
        words = server_words(account.last_error) or account.last_error
        # Stopped by a person, or by its limits.
        if not words and tone in (Tone.RESTING, Tone.STOPPED):
            words = reason_in_words(account.state_reason)
        return render_to_string(
            "admin/massmail/emailaccount/list_state.html",
            {"tone": tone, "last_error": words} | mailbox_in_list(account, now),
        )

    @admin.display(description=_("used for"), ordering="is_main")
    def used_for(self, account: EmailAccount) -> str:
        uses = [
            (account.is_main, USES["is_main"]),
            (account.for_massmail and not account.is_main, USES["for_massmail"]),
            (account.imports_mail, USES["imports_mail"]),
        ]
        return ", ".join(str(words) for is_so, words in uses if is_so) or "–"

    @admin.display(description=_("sent today / limit"))
    def sent_today(self, account: Any) -> str:
        return render_to_string(
            "admin/massmail/emailaccount/usage.html", {"usage": account.today}
        )

    @admin.display(description=_("last mailing"))
    def last_mailing(self, account: Any) -> str:
        if account.latest is None:
            return "–"
        return format_html(
            '{}<span class="mm-account-address">{}</span>',
            account.latest.name or _("somebody else's"),
            moment_text(account.latest.moment),
        )


def mailbox_in_list(account: EmailAccount, now: dt.datetime) -> dict[str, Any]:
    """A mailbox in order needs no words besides when it was read."""
    facts = mailbox_facts(account, now, with_folders=False)
    if facts is None:
        return {}
    words = facts.server_words or facts.help_text or facts.sentence
    return {"mailbox": facts, "mailbox_words": Truncator(words).chars(120)}
