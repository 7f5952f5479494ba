"""The screens on which the site must be good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Look:
    """A window, its colours, and whether fingers do the work."""

    name: str
    width: int
    height: int
    scheme: str = "light"
    has_touch: bool = False
    locale: str = "en-GB"

    def __str__(self) -> str:
        return self.name

    def context(self) -> dict[str, Any]:
        """Arguments of a browser context."""
        return {
            "viewport": {"width": self.width, "height": self.height},
            "color_scheme": self.scheme,
            "has_touch": self.has_touch,
            "locale": self.locale,
            "timezone_id": "UTC",
            "reduced_motion": "reduce",
        }


LAPTOP = Look("laptop", 1280, 800)
DARK = Look("dark laptop", 1280, 800, scheme="dark")
PHONE = Look("phone", 375, 812, has_touch=True)
DARK_PHONE = Look("dark phone", 375, 812, scheme="dark", has_touch=True)
RUSSIAN_PHONE = Look("Russian phone", 375, 812, has_touch=True, locale="ru-RU")
