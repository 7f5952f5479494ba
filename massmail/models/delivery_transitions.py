"""All transitions of a delivery; no other module changes `Delivery.status`.

Each is one conditional UPDATE; its row count tells whether this worker still held
the row.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Coalesce

from common.given_rows import GivenKeys
from massmail.models.delivery_states import (
    DOMAIN_LIMIT,
    LEASED_STATUSES,
    DeliveryStatus,
)

if TYPE_CHECKING:
    # Its name stands in quotes below.
    from massmail.models.delivery import Delivery  # noqa: F401


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """Transitions; `token` is the claim that must still hold the rows."""

    def among(self, pks: Sequence[int]) -> DeliveryQuerySet:
        """These rows, and no way to them but that over their keys.

        Where rows have just come in by the thousand, the database believes that there
        are none and would rather read all of a mailing's.
        """
        ends = (min(pks, default=0), max(pks, default=0))
        return self.filter(pk__range=ends, pk__in=GivenKeys(self.model._meta.pk, pks))

    def due(self, now: dt.datetime) -> DeliveryQuerySet:
        return self.filter(status=DeliveryStatus.QUEUED, not_before__lte=now)

    def held_by(self, token: uuid.UUID, *statuses: str) -> DeliveryQuerySet:
        """Each has a lease: said once more, it lets the index of leases serve."""
        return self.filter(
            claim_token=token, status__in=statuses, lease_until__isnull=False
        )

    def expired(self, now: dt.datetime) -> DeliveryQuerySet:
        """Leased rows whose worker is silent."""
        return self.filter(lease_until__lte=now)

    def claim(
        self, ids: Iterable[int], token: uuid.UUID, lease_until: dt.datetime
    ) -> int:
        """queued → claimed."""
        return self.filter(pk__in=list(ids), status=DeliveryStatus.QUEUED).update(
            status=DeliveryStatus.CLAIMED, claim_token=token, lease_until=lease_until
        )

    def keep(
        self, pk: int, token: uuid.UUID, *, now: dt.datetime, lease_until: dt.datetime
    ) -> int:
        """claimed, and stays it for longer; 0 once the lease has run out."""
        rows = self.held_by(token, DeliveryStatus.CLAIMED)
        return rows.filter(pk=pk, lease_until__gt=now).update(lease_until=lease_until)

    def release(self, token: uuid.UUID, ids: Iterable[int] | None = None) -> int:
        """claimed → queued, untouched: nothing of it went to the network."""
        rows = self.held_by(token, DeliveryStatus.CLAIMED)
        if ids is not None:
            rows = rows.filter(pk__in=list(ids))
        return rows.update(
            status=DeliveryStatus.QUEUED, claim_token=None, lease_until=None
        )

    def put_off(self, moments: dict[int, dt.datetime], *, reason: str) -> int:
        """queued, and stays it: each row waits until its own moment."""
        if not moments:
            return 0
        whens = [When(pk=pk, then=Value(moment)) for pk, moment in moments.items()]
        return self.filter(pk__in=moments, status=DeliveryStatus.QUEUED).update(
            not_before=Case(*whens, output_field=models.DateTimeField()), reason=reason
        )

    def mark_sending(
        self,
        ids: Iterable[int],
        token: uuid.UUID,
        *,
        allowed: Q,
        now: dt.datetime,
        lease_until: dt.datetime,
    ) -> int:
        """claimed → sending, for rows that may still be mailed (`allowed`).

        A lease that has run out fails the fence even before anybody took the row:
        another worker may be about to.
        """
        rows = self.held_by(token, DeliveryStatus.CLAIMED).filter(
            allowed, pk__in=list(ids), lease_until__gt=now
        )
        return rows.update(
            status=DeliveryStatus.SENDING,
            sending_at=now,
            lease_until=lease_until,
            attempts=F("attempts") + 1,
            reason="",
        )

    def mark_sent(self, pk: int, token: uuid.UUID, **facts: Any) -> int:
        """sending → sent: the server answered 250."""
        return self._finish(pk, token, (DeliveryStatus.SENDING,), "sent", facts)

    def mark_failed(self, pk: int, token: uuid.UUID, **facts: Any) -> int:
        """claimed or sending → failed: refused for good, or given up."""
        return self._finish(pk, token, LEASED_STATUSES, "failed", facts)

    def mark_uncertain(self, pk: int, token: uuid.UUID, **facts: Any) -> int:
        """sending → uncertain: handed over, and no answer will come."""
        return self._finish(pk, token, (DeliveryStatus.SENDING,), "uncertain", facts)

    def put_back(self, pk: int, token: uuid.UUID, **facts: Any) -> int:
        """claimed or sending → queued: refused, or provably not handed over."""
        return self._finish(pk, token, LEASED_STATUSES, "queued", facts)

    def skip_claimed(self, pk: int, token: uuid.UUID, reason: str) -> int:
        """claimed → skipped."""
        facts = {"reason": reason}
        return self._finish(pk, token, (DeliveryStatus.CLAIMED,), "skipped", facts)

    def look_again(self, reason: str) -> int:
        """queued rows that wait for `reason`: what holds them may have changed."""
        return self.filter(status=DeliveryStatus.QUEUED, reason=reason).update(
            not_before=F("queued_at"), reason=""
        )

    def hand_on(self, token: uuid.UUID) -> int:
        """claimed by the token, or queued → queued, to be given another account."""
        self.look_again(DOMAIN_LIMIT)
        claimed = Q(status=DeliveryStatus.CLAIMED, claim_token=token)
        return self.filter(claimed | Q(status=DeliveryStatus.QUEUED)).update(
            status=DeliveryStatus.QUEUED,
            email_account=None,
            claim_token=None,
            lease_until=None,
        )

    def resolve(self, pk: int, *, sent: bool, now: dt.datetime) -> int:
        """uncertain → sent or queued; the callers keep why (see `proof`)."""
        row = self.filter(pk=pk, status=DeliveryStatus.UNCERTAIN)
        if sent:
            return row.update(
                status=DeliveryStatus.SENT,
                reason="",
                sent_at=Coalesce("sending_at", Value(now)),
            )
        return row.update(
            status=DeliveryStatus.QUEUED, reason="put_back", not_before=now
        )

    def mark_accepted(self, now: dt.datetime) -> int:
        """Any state → sent: a server took the message at one of its attempts.

        Not a row that is being sent again just now: its own result comes first.
        """
        return self.exclude(
            status__in=(DeliveryStatus.SENDING, DeliveryStatus.SENT)
        ).update(
            status=DeliveryStatus.SENT,
            reason="",
            sent_at=Coalesce("sending_at", Value(now)),
            claim_token=None,
            lease_until=None,
        )

    def put_back_failed(self, now: dt.datetime) -> int:
        """failed → queued, by a person: as new, since nothing was delivered.

        The record's address of today is used, and the retries begin again.
        """
        return self.filter(status=DeliveryStatus.FAILED).update(
            status=DeliveryStatus.QUEUED,
            reason="put_back",
            not_before=now,
            attempts=0,
            first_refused_at=None,
        )

    def skip(self, reason: str, **facts: Any) -> int:
        """queued → skipped, for all rows of this queryset."""
        return self.filter(status=DeliveryStatus.QUEUED).update(
            status=DeliveryStatus.SKIPPED, reason=reason, **facts
        )

    def recover(self, now: dt.datetime) -> tuple[int, list[int]]:
        """Take back what dead workers held: (rows freed, ids now uncertain).

        claimed → queued: nothing was handed over. sending → uncertain: the dot
        may be at the server.
        """
        expired = self.expired(now)
        freed = expired.filter(status=DeliveryStatus.CLAIMED).update(
            status=DeliveryStatus.QUEUED, claim_token=None, lease_until=None
        )
        sending = expired.filter(status=DeliveryStatus.SENDING)
        lost = [
            pk
            # In the order of their index; for that of keys SQLite reads all rows.
            for pk in sending.order_by("lease_until").values_list("pk", flat=True)
            if sending.filter(pk=pk).update(
                status=DeliveryStatus.UNCERTAIN,
                reason="worker_lost",
                claim_token=None,
                lease_until=None,
                result_at=now,
            )
        ]
        return freed, lost

    def _finish(
        self,
        pk: int,
        token: uuid.UUID,
        sources: tuple[str, ...],
        status: str,
        facts: dict[str, Any],
    ) -> int:
        rows = self.held_by(token, *sources).filter(pk=pk)
        return rows.update(status=status, claim_token=None, lease_until=None, **facts)
