"""Named links: to write once and use in many messages."""

from __future__ import annotations

import re
from functools import reduce
from operator import or_
from typing import Any

from django.contrib import admin
from django.db import models
from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils.html import escape, format_html
from django.utils.translation import gettext_lazy as _

from massmail.models import (
    MassmailSettings,
    MessageVersion,
    NamedLink,
    TrackedLink,
)
from massmail.site.base import OWNER_FILTER, MassmailAdmin
from massmail.site.counted import counted
from massmail.tracking.public_links import named_link_url

CLICKED = Count(
    "tracked_links__events__delivery",
    filter=Q(tracked_links__events__is_machine=False),
    distinct=True,
)


class NamedLinkAdmin(MassmailAdmin):
    """The code to copy is the link's address: it works in HTML, in plain text, in a
    signature and on paper."""

    empty_hint = _(
        "A named link has one address for all your messages, and for paper. Where it "
        "leads can be changed later, for mails that are out already, too."
    )
    list_display = ["name", "address", "action", "people", "owner"]
    list_filter = ["action", OWNER_FILTER]
    list_select_related = ["owner"]
    search_fields = ["name", "slug", "url"]
    prepopulated_fields = {"slug": ["name"]}
    held_by = [(TrackedLink, "named_link")]
    fieldsets = [
        (None, {"fields": ["name", "slug", "action", "url", "message"]}),
        (_("Use it"), {"fields": ["address", "code", "people"]}),
        (_("Whose it is"), {"fields": ["owner", "department"]}),
    ]
    readonly_fields = ["address", "code", "people"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        return super().get_queryset(request).annotate(clicked_by=CLICKED)

    def get_prepopulated_fields(
        self, request: HttpRequest, obj: NamedLink | None = None
    ) -> dict[str, Any]:
        """Mails that are out hold the word: it does not follow a new name."""
        return {} if obj else dict(self.prepopulated_fields)

    def get_readonly_fields(
        self, request: HttpRequest, obj: NamedLink | None = None
    ) -> tuple[str, ...]:
        fields = tuple(super().get_readonly_fields(request, obj))
        return (*fields, "slug") if obj else fields

    def holders(self, objs: Any) -> list[str]:
        """Also the texts of mails that left without noting clicks: they have nothing
        but the address in them."""
        found = super().holders(objs)
        texts = MessageVersion.objects.filter(tracked_links__isnull=True)
        count = sum(texts_with(texts, link.slug) for link in objs)
        if count:
            found.append(counted(MessageVersion, count))
        return found

    @admin.display(description=_("address"))
    def address(self, link: NamedLink) -> str:
        if not link.slug:
            return str(_("Save it to get its address."))
        return named_link_url(link.slug, MassmailSettings.load().base_url)

    @admin.display(description=_("code to copy"))
    def code(self, link: NamedLink) -> str:
        if not link.slug:
            return "–"
        html = f'<a href="{escape(self.address(link))}">{escape(link.name)}</a>'
        return format_html("<code>{}</code>", html)

    @admin.display(description=_("people who followed it"), ordering="clicked_by")
    def people(self, link: Any) -> int:
        return getattr(link, "clicked_by", 0)


def texts_with(versions: models.QuerySet, slug: str) -> int:
    """How many of these have the link: its word, and not one that begins with it."""
    path = named_link_url(slug, "")
    places = ("content", "text", "signature")
    conditions = (Q(**{f"{place}__contains": path}) for place in places)
    word = re.compile(re.escape(path) + r"(?![a-z0-9-])")
    rows = versions.filter(reduce(or_, conditions)).values_list(*places)
    return sum(any(map(word.search, row)) for row in rows.iterator())
