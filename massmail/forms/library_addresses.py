"""Pictures of the library that stand in a message with the address of their page.

Readers of the mail could not open it: it asks for a login. As a tag the picture goes
with the mail.
"""

from __future__ import annotations

import re
from typing import Any

from django.urls import NoReverseMatch, reverse

from massmail.models import LibraryImage

PLACE = "PK"


def with_picture_tags(content: str, owned: Any) -> str:
    """The HTML with `{% cid_… %}` for each picture that `owned` may show."""
    address = picture_address()
    if address is None or "<img" not in content.lower():
        return content
    found = {match["pk"] for match in address.finditer(content)}
    offered = LibraryImage.objects.offered_to(owned).filter(pk__in=found)
    tags = {str(pk): tag for pk, tag in offered.values_list("pk", "tag")}

    def as_tag(match: re.Match[str]) -> str:
        tag = tags.get(match["pk"])
        if tag is None:
            return match[0]
        return f"{match['before']}{match['quote']}{{% cid_{tag} %}}{match['quote']}"

    return address.sub(as_tag, content)


def picture_address() -> re.Pattern[str] | None:
    """None where the admin shows no library."""
    try:
        path = reverse("admin:massmail_libraryimage_picture", args=[PLACE])
    except NoReverseMatch:
        return None
    before, _place, after = path.rpartition(PLACE)
    return re.compile(
        rf"""(?P<before><img\b[^>]*?\ssrc=)(?P<quote>["'])(?:https?://[^"'/]+)?"""
        rf"""{re.escape(before)}(?P<pk>[0-9]{{1,18}}){re.escape(after)}(?P=quote)""",
        re.IGNORECASE,
    )
