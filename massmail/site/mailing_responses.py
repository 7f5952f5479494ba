"""What came of a mailing, for its page."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from massmail.models import Delivery, DeliveryEvent, MailingOut
from massmail.reports.responses import responses_of
from massmail.reports.returns import returned_counts
from massmail.site.links import admin_url

Kind = DeliveryEvent.Kind
# As the list of recipients is narrowed.
RESPONSE = "response"
LABELS: dict[str, str | Promise] = {
    Kind.OPENED: _("opened it"),
    Kind.CLICKED: _("followed a link"),
    Kind.UNSUBSCRIBED: _("unsubscribed"),
    Kind.BOUNCED: _("bounced"),
    Kind.COMPLAINED: _("complained about spam"),
    Kind.REPLIED: _("replied"),
    Kind.AUTO_REPLIED: _("automatic reply"),
}
LEFT_THE_LIST = _("left the list")


def response_facts(site: AdminSite, mailing: MailingOut) -> dict[str, Any] | None:
    """None until there can be answers."""
    if mailing.version is None:
        return None
    return {
        "found": responses_of(mailing),
        "is_noted": mailing.version.tracks_opens or mailing.version.tracks_clicks,
        "lists": {
            str(kind): response_url(site, mailing, kind)
            for kind in (Kind.OPENED, Kind.CLICKED, Kind.UNSUBSCRIBED)
        },
    }


def return_facts(site: AdminSite, mailing: MailingOut) -> list[dict[str, Any]]:
    """What came back by mail. A zero is not told: it would be one, too, where nobody
    reads what comes back."""
    if mailing.launched_at is None:
        return []
    return [
        {
            "label": LABELS[kind],
            "count": count,
            "url": response_url(site, mailing, kind),
        }
        for kind, count in returned_counts(mailing).items()
        if count
    ]


def response_url(site: AdminSite, mailing: MailingOut, kind: str) -> str:
    """The recipients who did it."""
    query: dict[str, Any] = {"mailing__id__exact": mailing.pk, RESPONSE: str(kind)}
    return admin_url(site, Delivery, **query)
