"""What people have set for a run: when they change it, the run ends and another begins.

The recheck of each hand-over looks at who may be mailed by whom; limits, hours, gaps,
addresses and logins are read once per run. That they still hold is a part of the
recheck, too, and costs no statement of its own.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Exists, Q

from massmail.models import EmailAccount, MassmailSettings
from massmail.models.massmail_settings import SINGLETON


class SetByPeople:
    """Those by which a run with this account object works."""

    def __init__(self, account: EmailAccount) -> None:
        self._account = account
        self.unchanged = account_unchanged(account) & settings_unchanged()

    def still_hold(self) -> bool:
        rows = EmailAccount.objects.filter(self.unchanged, pk=self._account.pk)
        return rows.exists()


def account_unchanged(account: EmailAccount) -> Q:
    """The sender's own notes do not move the account's `updated_at`."""
    rows = EmailAccount.objects.filter(pk=account.pk, updated_at=account.updated_at)
    return Q(Exists(rows))


def settings_unchanged() -> Q:
    """Also where somebody has updated the row without saving it."""
    rows = MassmailSettings.objects.filter(pk=SINGLETON)
    settings = rows.first()
    if settings is None:
        return ~Q(Exists(rows))
    return Q(Exists(rows.filter(**values_of(settings))))


def values_of(settings: MassmailSettings) -> dict[str, object]:
    """Pictures have no part in sending."""
    return {
        field.attname: getattr(settings, field.attname)
        for field in MassmailSettings._meta.concrete_fields
        if not isinstance(field, models.BinaryField)
    }
