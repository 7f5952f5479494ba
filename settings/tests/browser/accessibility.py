"""axe-core's view of a page."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

from playwright.sync_api import Page

SERIOUS = ("serious", "critical")
# A mail in its frame is its author's, not a page of this site. Without preload it adds
# no style element, which the site's policy would refuse.
RUN = """
() => axe.run(document, {
  resultTypes: ["violations"], iframes: false, preload: false
})
"""


@cache
def axe_source() -> str:
    package = resources.files("axe_playwright_python")
    return (package / "axe.min.js").read_text(encoding="utf-8")


def barriers(page: Page) -> list[str]:
    """Serious and critical violations, with the elements that have them."""
    # Evaluated, since the site's policy refuses foreign script elements.
    page.evaluate(axe_source())
    violations = page.evaluate(RUN)["violations"]
    return [
        f"{page.url} {violation['id']}: {violation['help']}: {elements(violation)}"
        for violation in violations
        if violation["impact"] in SERIOUS
    ]


def elements(violation: dict[str, Any]) -> str:
    """The first few, with what axe says of each."""
    return "; ".join(
        f"{node['html'][:200]} ({node['failureSummary']})"
        for node in violation["nodes"][:3]
    )
