"""Somebody in front of a browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from settings.tests.browser.accessibility import barriers
from settings.tests.browser.demo_site import DemoSite
from settings.tests.browser.looks import LAPTOP, Look
from settings.tests.browser.problems import Problems

# For a machine that does much else, in ms.
PATIENCE = 15_000
expect.set_options(timeout=PATIENCE)
OVERFLOW = "() => document.documentElement.scrollWidth - window.innerWidth"


class Visitor:
    """A page of the site, and all that went wrong while it was used."""

    def __init__(
        self, page: Page, site: DemoSite, look: Look, *, has_scripts: bool = True
    ) -> None:
        self.page, self.site, self.look = page, site, look
        # Without them axe cannot run either.
        self.has_scripts = has_scripts
        self.problems = Problems(page.context)

    def open(self, path: str) -> None:
        self.page.goto(self.site.url + path)

    def log_in_as(self, user: Any) -> None:
        """Without the form, which one test uses for all."""
        client = Client()
        client.force_login(user, "django.contrib.auth.backends.ModelBackend")
        name = settings.SESSION_COOKIE_NAME
        cookie = {"name": name, "value": client.cookies[name].value}
        self.page.context.add_cookies([{**cookie, "url": self.site.url}])

    def look_around(self, page: Page | None = None) -> None:
        """Whatever the page does badly by itself is a problem, too."""
        page = page or self.page
        page.wait_for_load_state()
        if self.has_scripts:
            self.problems.found += barriers(page)
        if (pixels := page.evaluate(OVERFLOW)) > 0:
            self.problems.found.append(f"{page.url} is {pixels} px too wide")


@contextmanager
def visiting(
    chromium: Browser, site: DemoSite, look: Look = LAPTOP, **options: Any
) -> Iterator[Visitor]:
    """Raises AssertionError in the end if anything went wrong on the way."""
    context = chromium.new_context(**look.context(), **options)
    context.set_default_timeout(PATIENCE)
    has_scripts = options.get("java_script_enabled", True)
    visitor = Visitor(context.new_page(), site, look, has_scripts=has_scripts)
    try:
        yield visitor
    except Exception as error:
        shown = visitor.page.inner_text("body")
        error.add_note(f"At {visitor.page.url}, {visitor.problems.found}\n{shown}")
        raise
    finally:
        context.close()
    assert not visitor.problems.found, "\n".join(visitor.problems.found)
