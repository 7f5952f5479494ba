"""A browser, and the demo's site served to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from settings.tests.browser import chromium as browser
from settings.tests.browser.demo_site import DemoSite, demo_site
from settings.tests.browser.visitor import Visitor, visiting


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Playwright keeps an event loop in this thread, in which nothing else runs: what
    Django refuses there for fear of blocking others is safe.
    """
    with pytest.MonkeyPatch.context() as patch, browser.started() as started:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield started


@pytest.fixture
def site(live_server, settings, tmp_path) -> Iterator[DemoSite]:
    """Data of its own for each test."""
    settings.ROOT_URLCONF = "crm.tests.demo.urls"
    settings.DEMO_CATCHER_DIR = tmp_path / "catcher"
    settings.MEDIA_ROOT = str(tmp_path / "media")
    with demo_site(live_server.url, settings.DEMO_CATCHER_DIR) as site:
        yield site


@pytest.fixture
def anna(chromium, site) -> Iterator[Visitor]:
    """The manager at her laptop, logged in."""
    with visiting(chromium, site) as visitor:
        visitor.log_in_as(site.anna)
        yield visitor
