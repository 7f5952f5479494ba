"""What the documentation points to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from massmail.checks import NEEDED_APPS

ROOT = Path(settings.BASE_DIR)
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"""\]\(([^)\s]+)\)|(?:src|href)="([^"]+)\"""")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
LARGEST = 150_000


def targets(page: Path) -> list[str]:
    found = LINK.findall(page.read_text(encoding="utf-8"))
    links = [first or second for first, second in found]
    return [
        link for link in links if "://" not in link and not link.startswith("mailto:")
    ]


def anchors(page: Path) -> set[str]:
    """As GitHub names the headings."""
    headings = HEADING.findall(page.read_text(encoding="utf-8"))
    words = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {word.replace(" ", "-") for word in words}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in targets(page):
        path, _hash, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        if anchor and file.suffix == ".md":
            assert anchor in anchors(file), target


def test_each_picture_is_shown_and_small():
    shown = {
        (page.parent / target).resolve()
        for page in PAGES
        for target in targets(page)
        if target.endswith(".png")
    }
    pictures = set((ROOT / "docs" / "pictures").glob("*.png"))

    assert pictures == shown
    assert all(picture.stat().st_size < LARGEST for picture in pictures)


def test_the_readme_leads_to_every_page():
    found, ahead = {ROOT / "README.md"}, [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        paths = (target.partition("#")[0] for target in targets(page))
        linked = {(page.parent / path).resolve() for path in paths if path}
        ahead += linked & set(PAGES) - found
        found |= linked & set(PAGES)

    assert set(PAGES) - found == set()


def test_the_guide_for_other_projects_names_each_scheduled_task_and_needed_app():
    guide = (ROOT / "docs" / "embedding.md").read_text(encoding="utf-8")

    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        assert f'"{entry["task"]}", "schedule": {entry["schedule"]}' in guide
    for app in NEEDED_APPS:
        assert app == "django.contrib.admin" or f'"{app}"' in guide
