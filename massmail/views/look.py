"""The company's look on the recipients' pages: logo and colour, without any file."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from massmail.models import MassmailSettings

DARK_TEXT, LIGHT_TEXT = "#111827", "#ffffff"


@dataclass(frozen=True)
class Look:
    """`logo` is a data address; colours are "" where the page's own serve."""

    company_name: str
    logo: str
    button: str
    button_text: str


def look_of(site: MassmailSettings) -> Look:
    color = site.brand_color
    return Look(
        company_name=site.company_name,
        logo=data_address(site),
        button=color,
        button_text=readable_on(color) if color else "",
    )


def data_address(site: MassmailSettings) -> str:
    if not site.logo:
        return ""
    return f"data:{site.logo_type};base64,{base64.b64encode(site.logo).decode()}"


def readable_on(color: str) -> str:
    """Of dark and light text the one with more contrast (WCAG 2.2, 1.4.3)."""
    ground = luminance(color)
    return max(
        (DARK_TEXT, LIGHT_TEXT), key=lambda text: contrast(ground, luminance(text))
    )


def contrast(first: float, second: float) -> float:
    lighter, darker = max(first, second), min(first, second)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color: str) -> float:
    """Relative luminance of `#rrggbb`, 0 to 1."""
    red, green, blue = (
        linear(int(color[start : start + 2], 16) / 255) for start in (1, 3, 5)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def linear(channel: float) -> float:
    if channel <= 0.04045:
        return channel / 12.92
    return float(((channel + 0.055) / 1.055) ** 2.4)
