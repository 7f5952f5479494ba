"""Give what waits for an account to its owner's others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth import get_user_model
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from massmail.exceptions import NotAllowed, WrongState
from massmail.models import EmailAccount
from massmail.orchestrator.repair import (
    hand_over_recipients,
    held_up_by,
    other_accounts,
)
from massmail.site.account_base import AccountPages
from massmail.site.account_facts import waiting_count
from massmail.site.mailing_facts import number


@dataclass(frozen=True)
class Share:
    """Waiting recipients of one person's mailings, and who can take them."""

    owner: Any
    has_names: bool
    count: int
    accounts: list[EmailAccount]


class AccountHandover(AccountPages):
    """Mixin: the page that asks first."""

    def get_urls(self) -> list[URLPattern]:
        page = path(
            "<path:object_id>/hand-over/",
            self.admin_site.admin_view(self.hand_over_view),
            name="massmail_emailaccount_hand_over",
        )
        return [page, *super().get_urls()]

    def hand_over_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        account = self.changeable(request, object_id)
        if request.method == "POST":
            return self.hand_over(request, account)
        shares = shares_of(account, request.user)
        movable = sum(share.count for share in shares if share.accounts)
        context = {
            "shares": shares,
            "movable": movable,
            "vips": waiting_count(account) - sum(share.count for share in shares),
        }
        title = _("Hand over waiting recipients")
        return self.page(request, account, "hand_over", title, context)

    def hand_over(self, request: HttpRequest, account: EmailAccount) -> HttpResponse:
        try:
            count = hand_over_recipients(account, by=request.user)
        except (NotAllowed, WrongState) as error:
            messages.error(request, str(error))
            return self.to_account(account)
        self.log_change(request, account, f"{count} recipients handed over")
        messages.success(request, done_text(count))
        return self.to_account(account)


def done_text(count: int) -> str:
    if not count:
        return _("Nobody was waiting who could be handed over.")
    text = ngettext(
        "%(count)s recipient is mailed from another account now.",
        "%(count)s recipients are mailed from other accounts now.",
        count,
    )
    return text % {"count": number(count)}


def shares_of(account: EmailAccount, user: Any) -> list[Share]:
    """The mailings' owners are the account's owner and co-owner, rarely anybody else.

    A co-owner's accounts are his own business: they are counted on, not named.
    """
    counts = held_up_by(account).order_by().values_list("mailing__owner")
    by_owner = dict(counts.annotate(Count("pk")))
    owners = get_user_model()._default_manager.in_bulk(by_owner)
    return [
        Share(
            owners[owner_id],
            user.is_superuser or user.pk == owner_id,
            count,
            list(other_accounts(account, owner_id)),
        )
        for owner_id, count in sorted(by_owner.items())
    ]
