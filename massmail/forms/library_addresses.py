"""Pictures of the library that stand in a message with the address of their page.

Readers of the mail could not open it: it asks for a login. As a tag the picture goes
with the mail.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.urls import NoReverseMatch, reverse

from massmail.content.template_engine import is_too_long
from massmail.models import LibraryImage

PLACE = "PK"


def with_picture_tags(content: str, owned: Any) -> str:
    """The HTML with `{% cid_… %}` for each picture that `owned` may show.

    What is too long is left alone: it is refused anyhow.
    """
    landmark = landmarks()
    if landmark is None or is_too_long(content):
        return content
    found = list(pictures(content, landmark))
    offered = LibraryImage.objects.offered_to(owned).filter(
        pk__in={match["pk"] for match in found}
    )
    tags = {str(pk): tag for pk, tag in offered.values_list("pk", "tag")}
    parts, end = [], 0
    for match in found:
        if tag := tags.get(match["pk"]):
            parts += [content[end : match.start("address")], f"{{% cid_{tag} %}}"]
            end = match.end("address")
    return "".join([*parts, content[end:]])


def pictures(content: str, landmark: re.Pattern[str]) -> Iterator[re.Match[str]]:
    """The first address of a picture's page in each image, in one walk."""
    is_in_image = False
    for match in landmark.finditer(content):
        if match["pk"] is None:
            is_in_image = match[0] != ">"
        elif is_in_image:
            yield match
            is_in_image = False


def landmarks() -> re.Pattern[str] | None:
    """Where an image begins, where it may end, and a picture's address.

    None where the admin shows no library.
    """
    try:
        path = reverse("admin:massmail_libraryimage_picture", args=[PLACE])
    except NoReverseMatch:
        return None
    before, _place, after = path.rpartition(PLACE)
    return re.compile(
        rf"""<img\b|>|\ssrc=(?P<quote>["'])(?P<address>(?:https?://[^"'/]+)?"""
        rf"""{re.escape(before)}(?P<pk>[0-9]{{1,18}}){re.escape(after)})(?P=quote)""",
        re.IGNORECASE,
    )
