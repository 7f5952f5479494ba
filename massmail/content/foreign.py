"""Placeholders of other systems: how to recognise them in a text.

`importing` turns those that are known into ours; preflight reports whatever is left,
since recipients would read it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# {Person.firstName}, {optOutUrl}, {trackingUrl:https://…} of EspoCRM.
ENTITY_FIELD = r"\{(?:[A-Z][A-Za-z]*)\.[a-z][A-Za-z]*\}"
SYSTEM_FIELD = r"\{(?:(?:hashO|o)pt(?:Out|In)(?:Url|Link)|today|now|currentYear)\}"
TRACKING_URL = r"\{trackingUrl:[^{}\s]*\}"
# *|FNAME|*, %%First Name%%, [[first_name]], ##name##, ${first_name}. Not %NAME%: an
# address with encoded letters may look like that.
STARRED = r"\*\|[A-Za-z][A-Za-z0-9_:. ]{0,60}\|\*"
PERCENT = r"%%[A-Za-z][A-Za-z0-9_. -]{0,60}%%"
SQUARE = r"\[\[[A-Za-z][A-Za-z0-9_. ]{0,60}\]\]"
HASHED = r"##[A-Za-z][A-Za-z0-9_. ]{0,60}##"
DOLLAR = r"\$\{[A-Za-z][A-Za-z0-9_.]{0,60}\}"
# Written by hand as the other systems' tags are, but for none of them in particular.
BRACED = r"\{[A-Za-z][A-Za-z0-9]*(?:[_.][A-Za-z0-9]+)+\}"

PLACEHOLDER = re.compile(
    "|".join(
        (
            TRACKING_URL,
            ENTITY_FIELD,
            SYSTEM_FIELD,
            STARRED,
            PERCENT,
            SQUARE,
            HASHED,
            DOLLAR,
            BRACED,
        )
    )
)
# Style sheets have braces of their own.
_STYLES = re.compile(r"<style>.*?</style>", re.DOTALL)


def foreign_placeholders(text: str) -> Iterator[str]:
    """Those that stand in HTML or plain text, in their order."""
    for match in PLACEHOLDER.finditer(_STYLES.sub("", text)):
        yield match[0]
