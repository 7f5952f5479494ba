"""What people have set for a run: when they change it, the run ends and another begins.

The recheck of each hand-over looks at who may be mailed by whom; limits, hours, gaps,
addresses and logins are read once per run.
"""

from __future__ import annotations

from typing import Any

from massmail.models import EmailAccount, MassmailSettings

Conditions = tuple[Any, ...]


def conditions_of(account: EmailAccount) -> Conditions:
    """Those that a run with this account object works by."""
    return account.updated_at, saved_settings()


def conditions_now(account_id: int) -> Conditions:
    """Those that hold now; the sender's own notes do not move `updated_at`."""
    accounts = EmailAccount.objects.filter(pk=account_id)
    return accounts.values_list("updated_at", flat=True).first(), saved_settings()


def saved_settings() -> Conditions | None:
    return MassmailSettings.objects.values_list().first()
