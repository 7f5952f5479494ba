"""Where in the ledger a mailing's rows are: they mostly lie side by side."""

from __future__ import annotations

from django.db import connections, router

from massmail.models.delivery import Delivery
from massmail.models.delivery_states import DeliveryStatus

# Each state's are the ends of a piece of an index; databases asked for those of all
# rows would read the keys of older mailings. To make such a statement takes the ORM
# longer than the database needs for it.
ENDS = ", ".join(
    f"(SELECT {end}(id) FROM {Delivery._meta.db_table} "
    f"WHERE mailing_id = %s AND status = '{status}')"
    for status in DeliveryStatus
    for end in ("MIN", "MAX")
)


def key_range(mailing_id: int) -> tuple[int, int]:
    """The first and the last key of its rows; zeros without any."""
    connection = connections[router.db_for_read(Delivery)]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {ENDS}", [mailing_id] * (2 * len(DeliveryStatus)))
        keys = [key for key in cursor.fetchone() if key is not None]
    return min(keys, default=0), max(keys, default=0)
