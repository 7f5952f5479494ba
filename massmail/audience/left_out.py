"""Who is on the lists that a mailing leaves out, by address.

Another record with the address of one of them stays out, too. What a database cannot
compare is read and parsed, once for all recipients that a job adds; the recheck asks
static lists again, at any time, by record.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet

from common.utils.helpers import one_line
from massmail.audience.list_filters import filtered, is_broken
from massmail.audience.past import keys as records_of
from massmail.models import MailingOut, TargetList, TargetListMember
from massmail.models.address import InvalidAddress, address_key
from massmail.recipients.registry import source_for
from massmail.recipients.source import RecipientSource

READ_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Everybody, where nobody knows any more whom a filter meant."""

    address_keys: frozenset[str] = frozenset()
    is_everybody: bool = False

    @classmethod
    def of(cls, mailing: MailingOut) -> LeftOut:
        filters = list(filters_of(mailing))
        for source, one in filters:
            if source.filter_form is None or is_broken(mailing.owner, source, one):
                return cls(is_everybody=True)
        found = set(keys_of_members(mailing))
        for source, one in filters:
            found.update(keys_of(source, filtered(mailing.owner, source, one)))
        return cls(frozenset(found))

    def has(self, key: str) -> bool:
        return self.is_everybody or key in self.address_keys


def filters_of(mailing: MailingOut) -> Iterator[tuple[RecipientSource, TargetList]]:
    for one in mailing.excluded_lists.filter(kind=TargetList.Kind.FILTER):
        content_type: Any = one.content_type  # a filter always has one
        if source := source_if_any(content_type):
            yield source, one


def keys_of_members(mailing: MailingOut) -> Iterator[str]:
    """Of the static lists, all together, type by type."""
    members = TargetListMember.objects.filter(
        target_list__in=mailing.excluded_lists.values("pk")
    )
    types = ContentType.objects.filter(pk__in=members.values("content_type"))
    for content_type in types:
        if source := source_if_any(content_type):
            there = records_of(source, members.filter(content_type=content_type))
            yield from keys_of(source, source.model._base_manager.filter(pk__in=there))


def source_if_any(content_type: ContentType | None) -> RecipientSource | None:
    """None for a type that the host no longer offers: nobody is of it."""
    try:
        return source_for(content_type) if content_type else None
    except LookupError:
        return None


def keys_of(source: RecipientSource, records: QuerySet) -> Iterator[str]:
    addresses = records.order_by().values_list(source.address, flat=True)
    for text in addresses.iterator(READ_AT_ONCE):
        with suppress(InvalidAddress):
            yield address_key(one_line(text or "", 320))
