"""What nearly every opt-out does, as one statement of PostgreSQL.

Who leaves has mostly got the mail, and is on no list yet. The statement does what
`tracking.responses.unsubscribe` does then, with one round trip for all of it and for
BEGIN and COMMIT; in any other case it does nothing.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from typing import Any

from django.db import connections, models, router
from django.utils import timezone

from massmail.models.delivery import Delivery
from massmail.models.delivery_event import DeliveryEvent
from massmail.models.delivery_states import DeliveryStatus, SkipReason
from massmail.models.mass_contact import MassContact
from massmail.models.prepared import literal
from massmail.models.server_statement import ServerStatement
from massmail.models.suppressed_address import Reason, SuppressedAddress
from massmail.models.suppression_change import SuppressionChange

DELIVERIES = Delivery._meta.db_table
UNSUBSCRIBED = DeliveryEvent.Kind.UNSUBSCRIBED

# Rows are locked in the order in which all others lock them, so each part waits for the
# one before: the address, what waits for it, its records' identities in Python's order.
# COALESCE as in `prepared.OfFoundRows`: by an old statistic nothing is waiting, and the
# index of all that waits would be read.
STATEMENT = f"""
    WITH given AS (
            SELECT %s::bigint AS delivery_id, %s::text AS address_key,
                %s::text AS source, %s::text AS detail,
                %s::timestamptz AS occurred_at, %s::timestamptz AS written_at),
        mail AS (
            SELECT given.*, delivery.address
            FROM given JOIN {DELIVERIES} AS delivery ON delivery.id = given.delivery_id
                AND delivery.address_key = given.address_key
            WHERE delivery.status = '{DeliveryStatus.SENT}'
                AND delivery.content_type_id IS NOT NULL),
        added AS (
            {{suppress}} FROM mail ON CONFLICT DO NOTHING RETURNING address_key),
        kept AS ({{keep}} FROM mail JOIN added USING (address_key)),
        skipped AS (
            UPDATE {DELIVERIES}
            SET status = '{DeliveryStatus.SKIPPED}', reason = '{SkipReason.OPTED_OUT}'
            WHERE address_key = (SELECT address_key FROM added)
                AND COALESCE(status = '{DeliveryStatus.QUEUED}', FALSE)
            RETURNING id),
        noted AS (
            {{note}} FROM mail JOIN added USING (address_key) ON CONFLICT DO NOTHING)
    {{unsubscribe}}
    FROM (SELECT COUNT(*) FROM skipped) AS before CROSS JOIN
        (SELECT DISTINCT content_type_id, object_id FROM {DELIVERIES}
            WHERE address_key = (SELECT address_key FROM added)
                AND content_type_id IS NOT NULL) AS mailed
    ORDER BY mailed.content_type_id, mailed.object_id COLLATE "C"
    ON CONFLICT (content_type_id, object_id) DO UPDATE SET subscribed = FALSE
    RETURNING content_type_id, object_id
"""


def opt_out_at_once(
    delivery_id: int, address_key: str, *, now: dt.datetime, source: str, detail: str
) -> dict[int, list[str]]:
    """The records that are unsubscribed now, object ids by content type.

    None of them: nothing was done, and the long way is to be taken.
    """
    connection = connections[router.db_for_write(Delivery)]
    records: dict[int, list[str]] = defaultdict(list)
    if connection.vendor != "postgresql":
        return records
    moments = [moment.isoformat() for moment in (now, timezone.now())]
    params = [str(delivery_id), address_key, source, detail, *moments]
    for content_type_id, object_id in statement(connection.alias).rows(
        connection, params
    ):
        records[int(content_type_id)].append(object_id)
    return records


@cache
def statement(alias: str) -> ServerStatement:
    connection = connections[alias]
    parts = {
        "suppress": insertion(
            SuppressedAddress,
            {
                "address": "address",
                "address_key": "address_key",
                "source": "source",
                "created_at": "written_at",
            },
            {"reason": Reason.OPTED_OUT},
            connection,
        ),
        "keep": insertion(
            SuppressionChange,
            {
                "address_key": "address_key",
                "source": "source",
                "occurred_at": "written_at",
            },
            {"action": SuppressionChange.Action.ADDED, "reason": Reason.OPTED_OUT},
            connection,
        ),
        "note": insertion(
            DeliveryEvent,
            {
                "delivery_id": "delivery_id",
                "occurred_at": "occurred_at",
                "detail": "detail",
                "source_key": f"'{UNSUBSCRIBED}:' || delivery_id",
            },
            {"kind": UNSUBSCRIBED},
            connection,
        ),
        "unsubscribe": insertion(
            MassContact,
            {
                "content_type_id": "mailed.content_type_id",
                "object_id": "mailed.object_id",
                "uuid": "gen_random_uuid()",
            },
            {"subscribed": False},
            connection,
        ),
    }
    return ServerStatement(STATEMENT.format(**parts))


def insertion(
    model: type[models.Model],
    selected: Mapping[str, str],
    constants: Mapping[str, Any],
    connection: Any,
) -> str:
    """INSERT … SELECT up to its FROM; fields that are not named get their default."""
    columns = dict(selected)
    for field in model._meta.concrete_fields:
        if field.attname not in selected and not field.primary_key:
            value = constants.get(field.attname, field.get_default())
            prepared = field.get_db_prep_save(value, connection=connection)
            columns[str(field.column)] = literal(prepared, connection)
    names, values = ", ".join(columns), ", ".join(columns.values())
    return f"INSERT INTO {model._meta.db_table} ({names}) SELECT {values}"
