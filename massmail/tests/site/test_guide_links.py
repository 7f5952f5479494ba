"""Each page leads to the section of the user guide that explains it."""

from __future__ import annotations

from pathlib import Path

import pytest

from massmail.guide import SECTIONS, section_of
from massmail.models import (
    EmailAccount,
    EmlMessage,
    LibraryImage,
    MailingOut,
    Signature,
    SuppressedAddress,
)
from massmail.tests.factories import EmlMessageFactory, MailingOutFactory
from massmail.tests.site.conftest import page

GUIDE = "https://help.example.com/guide"
TEXT = Path(__file__).resolve().parents[3] / "docs" / "user_guide.md"


@pytest.fixture
def guide(settings) -> None:
    settings.MASSMAIL = settings.MASSMAIL | {"USER_GUIDE_URL": GUIDE}


def anchor_of(heading: str) -> str:
    """As GitHub and others make it of a heading."""
    letters = (c for c in heading.lower() if c.isalnum() or c in " -")
    return "".join(letters).replace(" ", "-")


def test_every_section_is_in_the_guide():
    lines = TEXT.read_text(encoding="utf-8").splitlines()
    anchors = {anchor_of(line.lstrip("# ")) for line in lines if line.startswith("#")}

    assert set(SECTIONS.values()) <= anchors


@pytest.mark.parametrize(
    ("name", "section"),
    [
        ("massmail_mailingout_launch", "launch"),
        ("massmail_mailingout_changelist", "watch-pause-cancel"),
        ("massmail_heartbeat_changelist", ""),
        ("app_list", "where-to-begin"),
        ("", ""),
    ],
)
def test_a_page_has_its_own_section_or_that_of_its_model(name, section):
    assert section_of(name) == section


LISTS = [EmailAccount, EmlMessage, LibraryImage, MailingOut, Signature]


@pytest.mark.parametrize("model", [*LISTS, SuppressedAddress])
def test_lists_lead_there(browser, owner, guide, model):
    html = browser(owner).get(page(model, "changelist")).content.decode()

    section = SECTIONS[f"massmail_{model._meta.model_name}"]
    assert f'<a href="{GUIDE}#{section}"' in html


@pytest.mark.parametrize("model", [EmailAccount, EmlMessage, LibraryImage, Signature])
def test_forms_lead_there(browser, owner, guide, model):
    html = browser(owner).get(page(model, "add")).content.decode()

    section = SECTIONS[f"massmail_{model._meta.model_name}"]
    assert html.count(f'<a href="{GUIDE}#{section}"') == 1


@pytest.mark.parametrize("kind", ["change", "launch", "merge"])
def test_pages_of_a_mailing_lead_there(browser, owner, guide, kind):
    mailing = MailingOutFactory(owner=owner)

    html = browser(owner).get(page(mailing, kind)).content.decode()

    section = section_of(f"massmail_mailingout_{kind}")
    assert f'<a href="{GUIDE}#{section}"' in html


@pytest.mark.parametrize("kind", ["change", "preview", "test", "versions"])
def test_pages_of_a_message_lead_there(browser, owner, guide, kind):
    message = EmlMessageFactory(owner=owner)

    html = browser(owner).get(page(message, kind)).content.decode()

    section = section_of(f"massmail_emlmessage_{kind}")
    assert f'<a href="{GUIDE}#{section}"' in html


def test_there_is_no_link_where_there_is_no_guide(browser, owner):
    html = browser(owner).get(page(MailingOut, "changelist")).content.decode()

    assert "mm-guide" not in html
