"""The first page of Mass mail, and its chart."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import template
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _

from massmail.models import MailingOut

register = template.Library()

# The drawing in its own units.
COLUMN, GAP, HEIGHT = 32, 12, 100
# One message among thousands is seen, too.
LEAST = 2


@register.simple_tag(takes_context=True)
def mass_mail_overview(context: template.Context) -> dict[str, Any]:
    """Facts of the site's page of mailings; empty for whom or where there is none."""
    request = context["request"]
    site = getattr(request.resolver_match.func, "admin_site", None)
    page = site._registry.get(MailingOut) if site else None
    if page is None or not page.has_view_permission(request):
        return {}
    facts: dict[str, Any] = page.overview(request)
    return facts


@register.inclusion_tag("admin/massmail/day_chart.html")
def day_chart(days: Iterable[Any]) -> dict[str, Any]:
    """Columns of what was sent and what failed on each `Day`, as an SVG."""
    days = list(days)
    largest = max((day.sent + day.failed for day in days), default=0)
    columns = [column(place, day, largest) for place, day in enumerate(days)]
    return {
        "columns": columns,
        "in_words": "; ".join(entry["title"] for entry in columns),
        "width": len(days) * (COLUMN + GAP) - GAP,
        "base": HEIGHT,
        "summary": words(
            sum(day.sent for day in days), sum(day.failed for day in days)
        ),
        "is_empty": not largest,
    }


def column(place: int, day: Any, largest: int) -> dict[str, Any]:
    sent, failed = length(day.sent, largest), length(day.failed, largest)
    x = place * (COLUMN + GAP)
    return {
        "x": x,
        "middle": x + COLUMN // 2,
        "width": COLUMN,
        "sent": sent,
        "sent_top": HEIGHT - sent,
        "failed": failed,
        "failed_top": HEIGHT - sent - failed,
        "count": number_format(day.sent, force_grouping=True) if day.sent else "",
        "count_y": HEIGHT - sent - failed - 4,
        "weekday": date_format(day.date, "D"),
        "title": f"{date_format(day.date)}: {words(day.sent, day.failed)}",
    }


def length(count: int, largest: int) -> int:
    """Of the column, so that the highest one fills the drawing."""
    return max(HEIGHT * count // largest, LEAST) if count else 0


def words(sent: int, failed: int) -> str:
    text = _("%(sent)s sent") % {"sent": number_format(sent, force_grouping=True)}
    if not failed:
        return text
    more = _("%(failed)s failed")
    return f"{text}, {more % {'failed': number_format(failed, force_grouping=True)}}"
