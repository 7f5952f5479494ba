"""What needs the person who is logged in, at the top of a page."""

from __future__ import annotations

from typing import Any

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from massmail.models import Alert

register = template.Library()

SHOWN = 5
# The first word of a cause: the admin page that it is about, and what leads there.
PAGES: dict[str, tuple[str, Promise]] = {
    "account": ("massmail_emailaccount_change", _("Open the account")),
    "mailing": ("massmail_mailingout_change", _("Open the mailing")),
}


@register.inclusion_tag("admin/massmail/alerts.html", takes_context=True)
def open_alerts(context: template.Context) -> dict[str, Any]:
    """The newest open alerts of this person; nobody else's."""
    request = context.get("request")
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"alerts": []}
    # One more than is shown tells that there are more.
    found = list(Alert.objects.open_for(user)[: SHOWN + 1])
    site = getattr(request, "current_app", None)
    return {
        "alerts": [facts_of(alert, site) for alert in found[:SHOWN]],
        "has_more": len(found) > SHOWN,
    }


def facts_of(alert: Alert, site: str | None) -> dict[str, Any]:
    kind, _colon, key = alert.cause.partition(":")
    name, label = PAGES.get(kind, ("", ""))
    return {"text": alert.text, "label": label, "url": page_url(name, key, site)}


def page_url(name: str, key: str, site: str | None) -> str:
    """ "" where the site does not show it."""
    try:
        return reverse(f"admin:{name}", args=[key], current_app=site)
    except NoReverseMatch:
        return ""
