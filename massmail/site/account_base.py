"""What an account's pages share."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseRedirect
from django.template.response import TemplateResponse

from massmail.models import EmailAccount
from massmail.site.base import MassmailAdmin
from massmail.site.links import admin_url


class AccountPages(MassmailAdmin):
    """Pages under an account's own address, for those who may change it."""

    def changeable(self, request: HttpRequest, object_id: str) -> EmailAccount:
        """Raises Http404 where there is nothing to see, else PermissionDenied."""
        account: EmailAccount = self.object_or_404(request, object_id)
        if not self.has_change_permission(request, account):
            raise PermissionDenied
        return account

    def to_account(self, account: EmailAccount) -> HttpResponseRedirect:
        return HttpResponseRedirect(admin_url(self.admin_site, account))

    def page(
        self,
        request: HttpRequest,
        account: EmailAccount,
        name: str,
        title: str,
        context: dict[str, Any],
    ) -> TemplateResponse:
        """One of the account's own templates, with the admin's frame around it."""
        facts = {
            "account": account,
            "account_url": admin_url(self.admin_site, account),
        }
        return self.framed_page(request, name, title, facts | context)
