"""The demo's pages and data."""

from __future__ import annotations

import pytest


@pytest.fixture
def catcher(settings, tmp_path):
    """A store of mail that the pages show."""
    from crm.demo.catcher.store import MailWriter

    settings.DEMO_CATCHER_DIR = tmp_path / "catcher"
    settings.ROOT_URLCONF = "crm.tests.demo.urls"
    writer = MailWriter(settings.DEMO_CATCHER_DIR)
    yield writer
    writer.close()


@pytest.fixture
def demo_media(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path / "media")
