"""Many addresses at once for the "don't mail" list: each step one statement."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from django.db import connections, models, transaction
from django.utils import timezone

from common.utils.helpers import chunked
from massmail.models.address import Address
from massmail.models.prepared import adapted, id_list, table_of
from massmail.models.suppression_change import SuppressionChange

if TYPE_CHECKING:
    # Its name stands in quotes below.
    from massmail.models.suppressed_address import SuppressedAddress  # noqa: F401

CHANGES = SuppressionChange._meta.db_table
Action = SuppressionChange.Action
# So many entries in one transaction: a moment for others, and still few statements.
CHUNK = 5000
ENTRY = {"address": "text", "address_key": "text", "domain": "text"}

# SQLite would take ON for the beginning of a join's condition without a WHERE.
ADD = """
    INSERT INTO {list} (address, address_key, domain, reason, source, created_at, by_id)
    SELECT address, address_key, domain, %s, %s, %s, %s FROM {given} WHERE TRUE
    ON CONFLICT DO NOTHING RETURNING id
"""
MAKE_OPT_OUTS = """
    UPDATE {list} SET reason = %s, source = %s, by_id = %s
    WHERE reason <> %s AND address_key <> ''
        AND address_key IN (SELECT address_key FROM {given})
    RETURNING id
"""
NOTE = """
    INSERT INTO {changes} (address_key, domain, target_list_id, action, reason, source,
        occurred_at, by_id)
    SELECT address_key, domain, target_list_id, %s, reason, source, %s, by_id
    FROM {list} WHERE id {among} ORDER BY id
"""
AMONG = {
    "postgresql": "= ANY(%s)",
    "sqlite": "IN (SELECT value FROM json_each(%s))",
}


class SuppressionBatches(models.QuerySet["SuppressedAddress"]):
    def suppress_many(
        self,
        *,
        addresses: Iterable[Address],
        domains: Collection[str] = (),
        reason: str,
        source: str,
        by: Any = None,
    ) -> int:
        """Put a file's worth on the list; returns how many were not on it before.

        What is on it stays as it is, unless the file has opt-outs. In short commits: a
        killed import is done again.
        """
        facts = (reason, source, self._key_of(by))
        entries: Iterator[Sequence[str]] = chain(
            ((one.text, one.key, "") for one in addresses),
            (("", "", domain) for domain in domains),
        )
        return sum(self._add_new(chunk, *facts) for chunk in chunked(entries, CHUNK))

    def _key_of(self, user: Any) -> Any:
        """As the column holds it; None for nobody."""
        connection = connections[self.db]
        by: Any = self.model._meta.get_field("by")
        return by.get_db_prep_save(user and user.pk, connection=connection)

    def _add_new(
        self, entries: list[Sequence[str]], reason: str, source: str, by_id: Any
    ) -> int:
        # In one order: two imports at once wait for each other, never both.
        entries = sorted(entries, key=itemgetter(1, 2))
        given, values = table_of(ENTRY, entries, connections[self.db])
        now = adapted(timezone.now(), connections[self.db])
        with transaction.atomic(using=self.db):
            facts = [reason, source, now, by_id]
            added = self._written(ADD, given, [*facts, *values])
            self._note(Action.ADDED, added, now)
            if reason == self.model.Reason.OPTED_OUT:
                facts = [reason, source, by_id, reason]
                changed = self._written(MAKE_OPT_OUTS, given, [*facts, *values])
                self._note(Action.CHANGED, changed, now)
        return len(added)

    def _written(self, statement: str, given: str, params: list[Any]) -> list[int]:
        """The keys of the rows."""
        table = self.model._meta.db_table
        with connections[self.db].cursor() as cursor:
            cursor.execute(statement.format(list=table, given=given), params)
            return [pk for (pk,) in cursor.fetchall()]

    def _note(self, action: str, keys: list[int], now: Any) -> None:
        """In the history, by whom the rows say."""
        connection = connections[self.db]
        sql = NOTE.format(
            changes=CHANGES,
            list=self.model._meta.db_table,
            among=AMONG[connection.vendor],
        )
        with connection.cursor() as cursor:
            cursor.execute(sql, [action, now, id_list(keys, connection)])
