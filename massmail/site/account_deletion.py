"""Deletes accounts; what drafts plan with them is dropped bit by bit before."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.admin.actions import delete_selected
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_protect

from massmail.models import Alert, Delivery, EmailAccount
from massmail.models.alert import account_cause, mailbox_cause
from massmail.models.planned_accounts import GIVEN, PLANNED, drop_plans
from massmail.site.account_base import AccountPages

# A request that takes longer may be ended by the server in front.
SECONDS = 15.0
CSRF_FIELD = "csrfmiddlewaretoken"


class AccountDeletion(AccountPages):
    """Mixin: nothing is deleted while drafts of very many recipients plan with it."""

    held_by = [(Delivery, "email_account", GIVEN)]
    actions = ["delete_selected"]

    @method_decorator(csrf_protect)
    def delete_view(
        self,
        request: HttpRequest,
        object_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        account = self.get_object(request, unquote(object_id))
        if account and request.POST and (page := self.going_on(request, [account])):
            return page
        return super().delete_view(request, object_id, extra_context)

    @admin.action(
        permissions=["delete"],
        description=gettext_lazy("Delete selected %(verbose_name_plural)s"),
    )
    def delete_selected(
        self, request: HttpRequest, queryset: QuerySet
    ) -> HttpResponse | None:
        if request.POST.get("post") and (page := self.going_on(request, queryset)):
            return page
        return delete_selected(self, request, queryset)

    def going_on(
        self, request: HttpRequest, accounts: Iterable[EmailAccount]
    ) -> HttpResponse | None:
        """The page that sends itself again while plans are in the way of a deletion
        that is possible.

        What is kept anyway keeps its plans, too.
        """
        chosen = list(accounts)
        if not all(self.has_delete_permission(request, one) for one in chosen):
            return None
        if self.holders(chosen) or drop_plans(chosen, seconds=SECONDS):
            return None
        plans = Delivery.objects.filter(PLANNED, email_account__in=chosen)
        sent = [pair for pair in request.POST.lists() if pair[0] != CSRF_FIELD]
        context = {"accounts": chosen, "planned": plans.count(), "sent": sent}
        return self.framed_page(request, "going_on", _("Deletion under way"), context)

    def delete_model(self, request: HttpRequest, obj: EmailAccount) -> None:
        close_alerts([obj.pk])
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet) -> None:
        close_alerts(queryset.values_list("pk", flat=True))
        super().delete_queryset(request, queryset)


def close_alerts(account_ids: Iterable[int]) -> None:
    """What an account that goes was found at fault for."""
    for pk in account_ids:
        for cause in (account_cause(pk), mailbox_cause(pk)):
            Alert.objects.close(cause=cause, now=timezone.now())
