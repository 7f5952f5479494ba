"""Records that leave into a spreadsheet."""

from __future__ import annotations

import csv
import io

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from crm.models import Contact, Tag
from crm.tests.factories import ContactFactory

pytestmark = pytest.mark.django_db
CSV_URL = "admin:crm_contact_export_csv"


@pytest.fixture
def anna(client, owner):
    client.force_login(owner)
    return client


def csv_rows(answer) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_the_rows_that_the_list_shows(anna, owner, colleague):
    ContactFactory(owner=owner, email="ada@example.com").tags.add(
        Tag.objects.create(name="fair")
    )
    ContactFactory(owner=owner, email="other@example.com")
    ContactFactory(owner=colleague, email="ada@example.org")

    answer = anna.get(reverse(CSV_URL), {"q": "ada@"})

    [row] = csv_rows(answer)
    assert (row["email"], row["tags"]) == ("ada@example.com", "fair")
    assert (row["owner"], row["accepts_mailings"]) == ("owner", "yes")
    assert answer["Content-Disposition"].endswith('.csv"')
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(anna, owner, start):
    ContactFactory(owner=owner, last_name=f"{start}HYPERLINK(1)")

    [row] = csv_rows(anna.get(reverse(CSV_URL)))
    book = anna.get(reverse("admin:crm_contact_export_xlsx"))
    sheet = openpyxl.load_workbook(io.BytesIO(book.content)).active
    cells = {cell.value: cell.data_type for line in sheet for cell in line}

    assert row["last_name"].startswith("'")
    assert "f" not in cells.values()


def test_control_characters_do_not_break_a_workbook(anna, owner):
    ContactFactory(owner=owner, last_name="a\x01b")

    book = anna.get(reverse("admin:crm_contact_export_xlsx"))

    sheet = openpyxl.load_workbook(io.BytesIO(book.content)).active
    assert "ab" in [cell.value for cell in sheet[2]]


def test_what_was_exported_comes_back_as_it_was(anna, owner, settings, tmp_path):
    settings.IMPORT_DIR = str(tmp_path)
    ContactFactory(owner=owner, phone="+49 30 1234", last_name="=1+1")
    content = anna.get(reverse(CSV_URL)).content

    page = anna.post(
        reverse("admin:crm_contact_import"),
        {"file": SimpleUploadedFile("contacts.csv", content)},
    )

    assert page.context["report"].bad == []
    assert page.context["report"].unchanged == 1
    assert Contact.objects.get().phone == "+49 30 1234"


def test_a_filter_that_makes_no_sense_is_no_error_of_the_server(anna):
    answer = anna.get(reverse(CSV_URL), {"created_at__gte": "never"})

    assert answer.status_code in (302, 404)


def test_the_number_of_queries_does_not_grow(
    anna, owner, django_assert_max_num_queries
):
    ContactFactory.create_batch(30, owner=owner)

    with django_assert_max_num_queries(29):
        assert len(csv_rows(anna.get(reverse(CSV_URL)))) == 30
