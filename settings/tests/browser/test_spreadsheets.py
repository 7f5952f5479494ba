"""Contacts that come from a spreadsheet."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from crm.models import Contact
from settings.tests.browser.looks import DARK, LAPTOP, PHONE
from settings.tests.browser.visitor import visiting

pytestmark = pytest.mark.browser
TABLE = """first_name,email,time_zone
Ada,ada@example.com,Europe/London
Bad,no address,
Eve,eve@example.com,Europe/Nowhere
"""


@pytest.mark.parametrize("look", [LAPTOP, DARK, PHONE], ids=str)
def test_a_manager_brings_in_what_is_good(chromium, site, settings, tmp_path, look):
    settings.IMPORT_DIR = str(tmp_path / "imports")
    file = {"name": "fair.csv", "mimeType": "text/csv", "buffer": TABLE.encode()}
    with visiting(chromium, site, look) as anna:
        page = anna.page
        anna.log_in_as(site.anna)
        anna.open("/crm/contact/")
        page.get_by_role("link", name="Import", exact=True).click()
        anna.look_around()
        page.get_by_label("File:").set_input_files(file)
        page.get_by_role("button", name="Check the file").click()
        expect(page.get_by_text("2 rows are left out")).to_be_visible()
        expect(page.get_by_text("There is no such time zone.")).to_be_visible()
        anna.look_around()
        page.get_by_role("button", name="Import the good rows").click()
        expect(page.get_by_text("1 new, 0 changed")).to_be_visible()
        anna.look_around()

    assert Contact.objects.filter(email="ada@example.com").count() == 1
    assert not Contact.objects.filter(email="eve@example.com").exists()
