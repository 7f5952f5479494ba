"""What people have set for a run: when they change it, the run ends and another begins.

The recheck of each hand-over looks at who may be mailed by whom; limits, hours, gaps,
addresses and logins are read once per run.
"""

from __future__ import annotations

from typing import Any

from django.db import connection, models

from massmail.models import EmailAccount, MassmailSettings
from massmail.models.prepared import adapted

Conditions = tuple[Any, ...]

# Pictures have no part in sending.
COLUMNS = ", ".join(
    f"settings.{field.column}"
    for field in MassmailSettings._meta.concrete_fields
    if not isinstance(field, models.BinaryField)
)
READ = f"""
    SELECT account.updated_at = %s, {COLUMNS}
    FROM {EmailAccount._meta.db_table} AS account
    LEFT JOIN {MassmailSettings._meta.db_table} AS settings ON settings.id = 1
    WHERE account.id = %s
"""


class SetByPeople:
    """Those by which a run with this account object works."""

    def __init__(self, account: EmailAccount) -> None:
        self._account = account
        self._settings = self._read()[1:]

    def still_hold(self) -> bool:
        """The sender's own notes do not move the account's `updated_at`."""
        return self._read() == (True, *self._settings)

    def _read(self) -> Conditions:
        moment = adapted(self._account.updated_at, connection)
        with connection.cursor() as cursor:
            cursor.execute(READ, [moment, self._account.pk])
            is_same, *settings = cursor.fetchone() or (False,)
        return bool(is_same), *settings
