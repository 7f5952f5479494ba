"""Chromium as the tests start it: nothing of its own goes to the network."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Text and edges look the same in each run, which keeps pictures of pages alike.
DRAWING = ["--font-render-hinting=none", "--hide-scrollbars"]


def executable() -> str:
    """CHROMIUM of the environment, or what is installed; LookupError without any."""
    candidates = [os.environ.get("CHROMIUM", ""), *map(shutil.which, NAMES)]
    for path in candidates:
        if path:
            return path
    raise LookupError("No Chromium found. Debian: apt install chromium")


@contextmanager
def started() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable(), args=ARGUMENTS + DRAWING
        )
        yield browser
        browser.close()
