"""Filters of the lists of mailings and messages."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from massmail.models import Delivery, EmailAccount
from massmail.recipients.access import access_policy


class DepartmentFilter(admin.SimpleListFilter):
    """The departments of the rows that the person sees; absent for only one."""

    title = _("department")
    parameter_name = "department"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin
    ) -> list[tuple[str, str]]:
        rows = model_admin.get_queryset(request).order_by()
        used = Group.objects.filter(pk__in=rows.values("department"))
        choices = [(str(group.pk), group.name) for group in used.order_by("name")]
        return choices if len(choices) > 1 else []

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return offered(self, queryset, Q(department=self.value()))


class AccountFilter(admin.SimpleListFilter):
    """Mailings of which an account has sent, or is to send, a message."""

    title = _("email account")
    parameter_name = "account"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin
    ) -> list[tuple[str, str]]:
        accounts = access_policy().visible(request.user, EmailAccount.objects.all())
        choices = [(str(pk), name) for pk, name in accounts.values_list("pk", "name")]
        return choices if len(choices) > 1 else []

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        value = self.value()
        if value is None:
            return queryset
        if value not in offered_keys(self):
            return queryset.none()
        account = EmailAccount.objects.get(pk=value)
        rows = Delivery.objects.filter(mailing=OuterRef("pk"), email_account=account)
        # Nobody else's mailings can have used it: their rows need not be looked at.
        users = [account.owner_id, account.co_owner_id]
        used = queryset.filter(Exists(rows), owner__in=filter(None, users))
        # Drafts only plan to.
        return used.filter(launched_at__isnull=False)


def offered(choice: admin.SimpleListFilter, queryset: QuerySet, condition: Q) -> Any:
    """Rows of what was chosen; none for what was not offered."""
    if choice.value() is None:
        return queryset
    if choice.value() not in offered_keys(choice):
        return queryset.none()
    return queryset.filter(condition)


def offered_keys(choice: admin.SimpleListFilter) -> set[str]:
    return {str(key) for key, _name in choice.lookup_choices}


def text_fields(request: HttpRequest) -> list[str]:
    """Where a search looks: in the texts only for who may read messages."""
    fields = ["name", "message__subject", "version__subject"]
    if request.user.has_perm("massmail.view_emlmessage"):
        fields += ["message__content", "message__text"]
    return fields


SEARCH_HELP = _("A word of the name, the subject or the text.")
