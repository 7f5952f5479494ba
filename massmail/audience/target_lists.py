"""Which records a target list has: those that were put on it, or what its filter finds.

A list says who is meant, never who may be mailed: each question is asked for somebody,
and answered with records that this person may address.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from common.given_rows import insert_given
from common.utils.helpers import chunked
from massmail.audience.list_filters import filtered, is_filter_of
from massmail.audience.past import keys
from massmail.audience.snapshot import records_of
from massmail.audience.vips import addressable
from massmail.conf import conf
from massmail.models import TargetList, TargetListMember
from massmail.recipients.access import access_policy
from massmail.recipients.source import RecipientSource


def lists_for(user: Any) -> QuerySet[TargetList]:
    """Those from which the user may make a mailing."""
    return access_policy().visible(user, TargetList.objects.active())


def lists_to_fill(user: Any) -> list[TargetList]:
    """Those that the user may put records on, or take them off."""
    static = lists_for(user).filter(kind=TargetList.Kind.STATIC)
    own = static if user.is_superuser else static.filter(owner=user)
    policy = access_policy()
    return [
        one for one in own.select_related("owner") if policy.may(user, "change", one)
    ]


def records_in(
    user: Any, source: RecipientSource, lists: Iterable[TargetList]
) -> QuerySet:
    """Records of this type that are in any of the lists, as far as he may mail them."""
    mine = source.records_for(user)
    meant = Q(pk__in=members(source, lists))
    for one in lists:
        if is_filter_of(one, source):
            meant |= Q(pk__in=filtered(user, source, one).values("pk"))
    return mine.filter(meant)


def members(source: RecipientSource, lists: Iterable[TargetList]) -> QuerySet:
    """Keys of the records of this type that were put on any of the lists."""
    rows = TargetListMember.objects.filter(
        content_type=source.content_type, target_list__in=[one.pk for one in lists]
    )
    return keys(source, rows)


def sizes(target_list: TargetList) -> dict[int, int]:
    """{content type's id: how many records were put on the list}."""
    rows = target_list.members.order_by().values_list("content_type")
    return dict(rows.annotate(count=Count("pk")))


def add_members(target_list: TargetList, records: QuerySet, *, by: Any) -> int:
    """Put records on the list that `by` may mail; returns how many were not on it.

    In short commits; a selection of any size may be given, and may be repeated.
    """
    mine = records_of(addressable(by, records)).order_by("pk")
    object_ids = [str(pk) for pk in mine.values_list("pk", flat=True)]
    alike = {
        "target_list_id": target_list.pk,
        "content_type_id": type_of(records).pk,
        "by_id": by.pk,
        "added_at": timezone.now(),
    }
    return sum(
        insert_given(
            TargetListMember, {"object_id": chunk}, alike=alike, ignore_conflicts=True
        )
        for chunk in chunked(object_ids, conf.PREPARE_CHUNK)
    )


def remove_members(target_list: TargetList, records: QuerySet) -> int:
    """Take records off the list; returns how many were on it."""
    pks = records_of(records).values_list("pk", flat=True)
    rows = target_list.members.filter(content_type=type_of(records))
    return sum(
        rows.filter(object_id__in=chunk).delete()[0]
        for chunk in chunked([str(pk) for pk in pks], conf.PREPARE_CHUNK)
    )


def type_of(records: QuerySet) -> ContentType:
    return ContentType.objects.get_for_model(records.model)
