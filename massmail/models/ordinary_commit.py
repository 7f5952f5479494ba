"""What nearly every commit of a run does, as one statement of PostgreSQL.

The replies that have come accept their messages, and the next rows may go out: the
same conditional UPDATEs as in `delivery_batches`, with one round trip for all of them
and for BEGIN and COMMIT.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connections

from massmail.models.delivery import Delivery
from massmail.models.delivery_batches import ACCEPTED_COLUMNS, Accepted
from massmail.models.delivery_states import DeliveryStatus
from massmail.models.prepared import PreparedUpdate
from massmail.models.send_attempt import SendAttempt
from massmail.models.server_statement import ServerStatement

DELIVERIES = Delivery._meta.db_table
ATTEMPTS = SendAttempt._meta.db_table
Outcome = SendAttempt.Outcome

# Rows come by their ids, as in `prepared.OfFoundRows`; what is granted comes first, so
# that the recheck is as young as can be.
STATEMENT = f"""
    WITH granted AS ({{announce}}
            RETURNING {DELIVERIES}.id, {DELIVERIES}.email_account_id,
                {DELIVERIES}.claim_token),
        noted AS (
            INSERT INTO {ATTEMPTS}
                (email_account_id, delivery_id, token, occurred_at, outcome)
            SELECT email_account_id, id, claim_token, %s::timestamptz, '{Outcome.OPEN}'
            FROM granted ON CONFLICT DO NOTHING),
        marked AS (
            UPDATE {DELIVERIES} AS delivery
            SET status = '{DeliveryStatus.SENT}', reason = '', claim_token = NULL,
                lease_until = NULL, smtp_code = given.code,
                smtp_enhanced = given.enhanced, smtp_text = given.words,
                sent_at = %s, result_at = %s
            FROM json_to_recordset(%s::json) AS given({{columns}})
            WHERE delivery.id = ANY (%s::bigint[]) AND delivery.id = given.id
                AND COALESCE(delivery.claim_token = given.token
                    AND delivery.status = '{DeliveryStatus.SENDING}', FALSE)
            RETURNING delivery.id, given.token),
        closed AS (
            UPDATE {ATTEMPTS} AS attempt
            SET outcome = '{Outcome.SENT}', occurred_at = %s
            FROM marked
            WHERE attempt.delivery_id = marked.id AND attempt.token = marked.token)
    SELECT id, TRUE FROM granted UNION ALL SELECT id, FALSE FROM marked
"""
COLUMNS = ", ".join(f"{name} {kind}" for name, kind in ACCEPTED_COLUMNS.items())


@dataclass(slots=True)
class Written:
    """`granted` rows may go out, the replies to `marked` ones are recorded."""

    granted: set[int] = field(default_factory=set)
    marked: set[int] = field(default_factory=set)


class OrdinaryCommit:
    """`announce` is the `sending` UPDATE with its recheck, as `HandOver` has it."""

    def __init__(self, announce: PreparedUpdate) -> None:
        self._announce = announce
        sql = STATEMENT.format(announce=announce.sql, columns=COLUMNS)
        self._statement = ServerStatement(sql)

    @classmethod
    def of(cls, announce: PreparedUpdate) -> OrdinaryCommit | None:
        """None on SQLite, and where no row can ever be announced."""
        vendor = connections[announce.alias].vendor
        return cls(announce) if announce.sql and vendor == "postgresql" else None

    def __call__(
        self,
        replies: Sequence[Accepted],
        ids: Collection[int],
        token: uuid.UUID,
        *,
        now: dt.datetime,
        lease_until: dt.datetime,
        meanwhile: Callable[[], object],
    ) -> Written:
        """No row may be in both or twice; `meanwhile` must not use the database."""
        moment = now.isoformat()
        given = [dict(zip(ACCEPTED_COLUMNS, reply, strict=True)) for reply in replies]
        params = [
            *map(as_text, self._announce.params(list(ids), token, now, lease_until)),
            moment,
            moment,
            moment,
            json.dumps(given, default=str),
            as_text([reply.pk for reply in replies]),
            moment,
        ]
        connection = connections[self._announce.alias]
        rows = self._statement.rows(connection, params, meanwhile=meanwhile)
        written = Written()
        for pk, is_grant in rows:
            (written.granted if is_grant == "t" else written.marked).add(int(pk))
        return written


def as_text(value: Any) -> str:
    """As PostgreSQL reads it."""
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, list):
        return "{" + ",".join(map(str, value)) + "}"
    return str(value)
