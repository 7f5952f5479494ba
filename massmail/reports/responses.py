"""Who opened a mailing and followed its links: people and machines apart."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet

from massmail.models import (
    Delivery,
    DeliveryEvent,
    MailingOut,
    MessageVersion,
    TrackedLink,
)

Kind = DeliveryEvent.Kind
# From all mailings, or from the lists of this one.
LEAVING = (Kind.UNSUBSCRIBED, Kind.LEFT_LIST)


@dataclass(frozen=True)
class Response:
    """Recipients for whom a person acted, and those for whom only machines did."""

    people: int
    machines: int


@dataclass(frozen=True)
class LinkResponse:
    link: TrackedLink
    people: int
    machines: int


@dataclass(frozen=True)
class Responses:
    """A click implies an open: whoever follows a link has read the mail."""

    opened: Response
    clicked: Response
    unsubscribed: int
    links: list[LinkResponse]


def responses_of(mailing: MailingOut) -> Responses:
    """Counted from the events; one query for them, one for the links."""
    who: dict[tuple[str, bool], set[int]] = defaultdict(set)
    by_link: dict[int, dict[bool, set[int]]] = defaultdict(lambda: defaultdict(set))
    rows = DeliveryEvent.objects.filter(
        delivery__mailing=mailing,
        kind__in=(Kind.OPENED, Kind.CLICKED, *LEAVING),
    ).order_by()
    distinct = rows.values_list("delivery", "kind", "is_machine", "link").distinct()
    for delivery_id, kind, is_machine, link_id in distinct.iterator():
        who[kind, is_machine].add(delivery_id)
        if link_id is not None:
            by_link[link_id][is_machine].add(delivery_id)
    clicked = {flag: who[Kind.CLICKED, flag] for flag in (False, True)}
    opened = {flag: who[Kind.OPENED, flag] | clicked[flag] for flag in (False, True)}
    return Responses(
        opened=apart(opened),
        clicked=apart(clicked),
        unsubscribed=len(set().union(*(who[kind, False] for kind in LEAVING))),
        links=link_responses(mailing, by_link),
    )


def apart(who: dict[bool, set[int]]) -> Response:
    return Response(len(who[False]), len(who[True] - who[False]))


def links_of(mailing: MailingOut) -> QuerySet[TrackedLink]:
    """Of all texts that it sends: a correction is a version of its own.

    Those of other mailings need not be looked for in all of its rows, which have no
    index of their versions.
    """
    sent = Delivery.objects.filter(mailing=mailing, version=OuterRef("pk"))
    corrected = MessageVersion.objects.filter(
        Exists(sent),
        message=mailing.message_id,
        pk__lt=mailing.version_id or 0,
        created_at__gt=mailing.created_at,
    )
    return TrackedLink.objects.filter(
        Q(version=mailing.version_id) | Q(version__in=corrected.order_by()),
        version__message=mailing.message_id,
    ).order_by("version", "position")


def link_responses(
    mailing: MailingOut, by_link: dict[int, dict[bool, set[int]]]
) -> list[LinkResponse]:
    """The links of the message in its versions, in their order."""
    counts = Counter({link_id: len(who[False]) for link_id, who in by_link.items()})
    return [
        LinkResponse(link, counts[link.pk], apart(by_link[link.pk]).machines)
        for link in links_of(mailing)
    ]
