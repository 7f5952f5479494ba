"""What waits for an account, told by a handful of rows.

How long it has to wait depends on the recipients' time zones, and on when the first row
of each is due. To look at 100,000 rows for it would take some hundred milliseconds, for
each reader of a page.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from common.utils.helpers import chunked
from massmail.models.delivery import Delivery
from massmail.models.delivery_states import DeliveryStatus

# SQLite may be built for no more than 32,766 parameters.
PAIRS_AT_ONCE = 5000
# As a row names them.
Pair = tuple[int | None, int | None]

DELIVERIES = Delivery._meta.db_table

# From zone to zone along the index `delivery_zones`. The ORM knows no recursion.
FIRST = f"""
    SELECT waiting.id FROM {DELIVERIES} AS waiting
    WHERE waiting.email_account_id = {{of}}.email_account_id
        AND waiting.mailing_id = {{of}}.mailing_id
        AND waiting.status = '{DeliveryStatus.QUEUED}'
        {{further}}
    ORDER BY waiting.time_zone, waiting.not_before, waiting.id LIMIT 1
"""
FURTHER = "AND waiting.time_zone > last.time_zone"
FIRSTS = f"""
    WITH RECURSIVE
        pairs(email_account_id, mailing_id) AS (VALUES {{pairs}}),
        firsts(id) AS (
            SELECT ({FIRST.format(of="pairs", further="")}) FROM pairs
            UNION ALL
            SELECT ({FIRST.format(of="last", further=FURTHER)})
            FROM firsts INNER JOIN {DELIVERIES} AS last ON last.id = firsts.id
        )
    SELECT found.id, found.email_account_id, found.mailing_id, found.time_zone,
        found.not_before, found.reason
    FROM firsts INNER JOIN {DELIVERIES} AS found ON found.id = firsts.id
"""


def first_of_zones(pairs: Iterable[Pair]) -> dict[Pair, list[Delivery]]:
    """What waits for an account in a mailing: the first row of each time zone.

    By pairs of account and mailing. Only what `FIRSTS` names has been read.
    """
    found: dict[Pair, list[Delivery]] = {pair: [] for pair in pairs}
    for some in chunked(found, PAIRS_AT_ONCE):
        sql = FIRSTS.format(pairs=", ".join(["(%s, %s)"] * len(some)))
        for row in Delivery.objects.raw(sql, list(chain.from_iterable(some))):
            found[row.email_account_id, row.mailing_id].append(row)
    return found
