"""To whom a test goes, and through which account."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from common.forms import RowsField
from common.users import address_of, has_address, name_of
from massmail.models import EmailAccount
from massmail.orchestrator.trial import Reader
from massmail.recipients.access import access_policy

SEPARATORS = re.compile(r"[\s,;]+")
MAX_READERS = 10


class TrialForm(forms.Form):
    """`readers()` are those who were chosen; the sender checks their addresses."""

    to_me = forms.BooleanField(label=_("To me"), required=False, initial=True)
    colleagues = RowsField(
        get_user_model()._default_manager.none(),
        label=_("To colleagues"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    addresses = forms.CharField(
        label=_("To other addresses"),
        required=False,
        max_length=2000,
        widget=forms.TextInput({"autocomplete": "off", "inputmode": "email"}),
        help_text=_("Several with commas between them."),
    )
    account = forms.ModelChoiceField(
        EmailAccount.objects.none(), label=_("Sent through"), empty_label=None
    )

    fields: dict[str, Any]

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        accounts = accounts_of(user)
        self.fields["account"].queryset = accounts
        self.fields["account"].initial = accounts.first()
        self.fields["colleagues"].queryset = colleagues_of(user)
        self.fields["colleagues"].label_from_instance = name_and_address
        if address := address_of(user):
            text = _("To me (%(address)s)")
            self.fields["to_me"].label = text % {"address": address}
        else:
            del self.fields["to_me"]
        if not self.fields["colleagues"].queryset.exists():
            del self.fields["colleagues"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        count = len(self.readers())
        if count > MAX_READERS:
            text = _("A test goes to %(limit)d people at most.")
            raise forms.ValidationError(text % {"limit": MAX_READERS})
        if not count and not self.errors:
            raise forms.ValidationError(_("Say to whom the test goes."))
        return cleaned

    def readers(self) -> list[Reader]:
        answer = self.cleaned_data
        people = [self.user] if answer.get("to_me") else []
        people += list(answer.get("colleagues") or [])
        typed = SEPARATORS.split(answer.get("addresses") or "")
        return [
            *(Reader(address_of(person), name_of(person)) for person in people),
            *(Reader(address) for address in typed if address),
        ]


def accounts_of(user: Any) -> QuerySet[EmailAccount]:
    """Through which the person may send; the working ones for mass mail first."""
    accounts = EmailAccount.objects.usable_by(user)
    return accounts.order_by("state", "is_main", "pk")


def colleagues_of(user: Any) -> QuerySet:
    """Of the person's departments, with an address."""
    users = get_user_model()._default_manager
    departments = access_policy().departments(user).values("pk")
    # By key, not by join: somebody may share two departments with the person.
    same = users.filter(groups__in=departments).values("pk")
    active = users.filter(pk__in=same, is_active=True, is_staff=True)
    others = active.filter(has_address()).exclude(pk=user.pk)
    return others.order_by(users.model.USERNAME_FIELD)


def name_and_address(user: Any) -> str:
    return f"{name_of(user) or user.get_username()} ({address_of(user)})"
