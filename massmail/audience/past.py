"""Choosing recipients by what they were mailed before, or are about to be."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import F, QuerySet

from massmail.models import Delivery, MailingOut, MassContact
from massmail.recipients.source import RecipientSource, object_id_as_pk


def mailed(source: RecipientSource, *, since: dt.datetime | None = None) -> QuerySet:
    """Keys of the records that got a mail of any mailing, or did so since then."""
    rows = rows_of(source).filter(status=Delivery.Status.SENT)
    return keys(source, rows.filter(sent_at__gte=since) if since else rows)


def waiting_elsewhere(source: RecipientSource) -> QuerySet:
    """Keys of the records that a launched mailing has still to mail."""
    rows = rows_of(source).filter(
        mailing__in=MailingOut.objects.under_way().values("pk"),
        status__in=(
            Delivery.Status.QUEUED,
            Delivery.Status.CLAIMED,
            Delivery.Status.SENDING,
        ),
    )
    return keys(source, rows)


def vips(source: RecipientSource) -> QuerySet:
    return keys(
        source,
        MassContact.objects.filter(content_type=source.content_type, is_vip=True),
    )


def rows_of(source: RecipientSource) -> QuerySet[Delivery]:
    return Delivery.objects.filter(
        content_type=source.content_type, kind=Delivery.Kind.MAILING
    )


def keys(source: RecipientSource, rows: QuerySet[Any]) -> QuerySet[Any]:
    """The rows' records as primary keys, for `pk__in`."""
    key = object_id_as_pk(source.model, F("object_id"))
    return rows.order_by().annotate(record=key).values("record")
