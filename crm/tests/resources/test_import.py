"""Records that come in from a spreadsheet."""

from __future__ import annotations

import io

import openpyxl
import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from crm.models import Company, Contact, Country, Tag
from crm.resources import ContactResource, files
from crm.resources.importing import import_rows
from crm.tests.factories import CompanyFactory, ContactFactory
from massmail.models import SuppressedAddress

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def import_dir(settings, tmp_path):
    settings.IMPORT_DIR = str(tmp_path / "imports")
    return tmp_path / "imports"


@pytest.fixture
def anna(client, owner):
    client.force_login(owner)
    return client


def url(name: str) -> str:
    return reverse(f"admin:crm_{name}")


def upload(client, content: str | bytes, *, name="people.csv", model="contact"):
    """The answer to a file: the page with the check."""
    data = content.encode() if isinstance(content, str) else content
    file = SimpleUploadedFile(name, data)
    return client.post(url(f"{model}_import"), {"file": file})


def bring_in(client, content: str | bytes, *, model="contact", **kwargs):
    page = upload(client, content, model=model, **kwargs)
    ticket = page.context["ticket"]
    assert ticket, page.context["form"].errors or page.context["report"].bad
    return client.post(url(f"{model}_import_confirm"), {"ticket": ticket})


def workbook(*rows: tuple) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def as_csv(*rows: list[str]) -> bytes:
    return "\n".join(",".join(row) for row in rows).encode()


def test_the_check_writes_nothing(anna):
    page = upload(anna, "first_name,email,tags\nAda,ada@example.com,new tag\n")

    assert page.context["report"].new == 1
    assert not Contact.objects.exists()
    assert not Tag.objects.exists()


def test_new_records_belong_to_who_brings_them(anna, owner, north):
    CompanyFactory(name="Analytical Engines", owner=owner)
    Country.objects.get_or_create(code="GB", defaults={"name": "United Kingdom"})

    answer = bring_in(
        anna,
        "First name,Last name,E-mail,Company,Country,Language,Tags\n"
        'Ada,Lovelace,ada@example.com,analytical engines,gb,en,"fair, vip"\n',
    )

    assert answer.url == url("contact_changelist")
    contact = Contact.objects.get()
    assert (contact.owner, contact.department) == (owner, north.group)
    assert contact.full_name == "Ada Lovelace"
    assert contact.company.name == "Analytical Engines"
    assert contact.country.code == "GB"
    assert {tag.name for tag in contact.tags.all()} == {"fair", "vip"}
    assert contact.accepts_mailings


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_any_usual_delimiter_and_the_mark_of_excel(anna, delimiter):
    rows = "\ufefffirst_name,email\r\nJürgen,j@example.com\r\n"

    bring_in(anna, rows.replace(",", delimiter))

    assert Contact.objects.get().first_name == "Jürgen"


def test_a_workbook(anna):
    content = workbook(
        ("last_name", "email", "phone", None),
        ("Lovelace", "ada@example.com", 4930123456.0, None),
        (None, None, None, None),
        ("Babbage", "charles@example.com", None, None),
        (None, None, None, None),
    )

    bring_in(anna, content, name="people.xlsx")

    phones = dict(Contact.objects.values_list("last_name", "phone"))
    assert phones == {"Lovelace": "4930123456", "Babbage": ""}


def test_bad_rows_are_told_and_the_others_go_in(anna):
    content = (
        "first_name,email,time_zone,accepts_mailings,company\n"
        "Ada,ada@example.com,Europe/London,yes,\n"
        "Bad,not an address,,,\n"
        "Bad,b@example.com,Europe/Nowhere,,\n"
        "Bad,c@example.com,,perhaps,\n"
        "Bad,d@example.com,,,Unknown Ltd\n"
        ",,,no,\n"
        "Eve,eve@example.com,,no,\n"
    )
    page = upload(anna, content)
    report = page.context["report"]
    assert {row.number: row.faults[0][0] for row in report.bad} == {
        3: "email",
        4: "time_zone",
        5: "accepts_mailings",
        6: "company",
        7: "",
    }

    answer = bring_in(anna, content)

    assert answer.status_code == 200
    assert "not an address" in answer.content.decode()
    assert "2 new" in answer.content.decode()
    assert dict(Contact.objects.values_list("first_name", "accepts_mailings")) == {
        "Ada": True,
        "Eve": False,
    }


def test_the_same_file_again_changes_nothing(anna):
    content = "first_name,email,tags\nAda,ada@example.com,fair\n"
    bring_in(anna, content)

    page = upload(anna, content)

    assert page.context["report"].unchanged == 1
    assert page.context["ticket"] == ""


def test_a_blank_cell_leaves_what_is_there(anna, owner):
    contact = ContactFactory(owner=owner, email="ada@example.com", phone="123")

    bring_in(anna, "email,first_name,phone\nADA@example.com,Augusta,\n")

    contact.refresh_from_db()
    assert (contact.first_name, contact.phone) == ("Augusta", "123")
    assert contact.email == "ADA@example.com"


def test_an_import_never_lifts_an_opt_out(anna, owner):
    contact = ContactFactory(
        owner=owner, email="ada@example.com", accepts_mailings=False
    )
    SuppressedAddress.objects.suppress(
        "gone@example.com", reason="opted_out", source="page"
    )

    bring_in(
        anna,
        "email,accepts_mailings,phone\nada@example.com,yes,77\ngone@example.com,yes,1\n",
    )

    contact.refresh_from_db()
    assert (contact.phone, contact.accepts_mailings) == ("77", False)
    assert SuppressedAddress.objects.covers("gone@example.com")


def test_an_import_undoes_nothing_that_happens_while_it_runs(anna, owner, monkeypatch):
    contact = ContactFactory(owner=owner, email="ada@example.com", phone="1")
    look = ContactResource.before_import

    def then_she_leaves(self, *args, **kwargs):
        look(self, *args, **kwargs)
        Contact.objects.update(accepts_mailings=False, last_name="Byron")

    ticket = upload(
        anna, "email,phone,accepts_mailings\nada@example.com,2,yes\n"
    ).context["ticket"]
    monkeypatch.setattr(ContactResource, "before_import", then_she_leaves)
    anna.post(url("contact_import_confirm"), {"ticket": ticket})

    contact.refresh_from_db()
    assert contact.phone == "2"
    assert contact.last_name == "Byron"
    assert not contact.accepts_mailings


def test_a_second_click_imports_nothing_again(anna, monkeypatch):
    ticket = upload(anna, "first_name\nAda\n").context["ticket"]
    clicked = []

    def click_again(*args, **kwargs):
        if not clicked:
            clicked.append(True)
            answer = anna.post(url("contact_import_confirm"), {"ticket": ticket})
            assert answer.url == url("contact_import")
        return import_rows(*args, **kwargs)

    monkeypatch.setattr("crm.site.spreadsheets.import_rows", click_again)
    anna.post(url("contact_import_confirm"), {"ticket": ticket})

    assert clicked
    assert Contact.objects.count() == 1


@pytest.mark.parametrize("role", ["chief", "operator", "superoperator", "colleague"])
def test_an_id_opens_only_what_the_role_may_change(request, client, owner, north, role):
    contact = ContactFactory(owner=owner, department=north.group, phone="before")
    client.force_login(request.getfixturevalue(role))

    page = upload(client, f"id,phone\n{contact.pk},after\n")

    if role in ("operator", "superoperator"):
        assert page.context["report"].changed == 1
    elif role == "chief":
        assert page.status_code == 403
    else:
        [row] = page.context["report"].bad
        assert row.faults[0][0] == "id"
    contact.refresh_from_db()
    assert contact.phone == "before"


def test_a_foreign_record_with_the_same_address_is_left_alone(anna, colleague):
    foreign = ContactFactory(owner=colleague, email="ada@example.com")

    bring_in(anna, "email,first_name\nada@example.com,Mine\n")

    foreign.refresh_from_db()
    assert foreign.first_name == "Ada"
    assert Contact.objects.get(first_name="Mine").owner.username == "owner"


def test_a_manager_gives_records_to_nobody_else(anna, colleague):
    page = upload(anna, "email,owner\nada@example.com,colleague\n")

    [row] = page.context["report"].bad
    assert row.faults[0][0] == "owner"


def test_an_operator_gives_records_to_a_colleague(client, operator, owner):
    client.force_login(operator)

    bring_in(client, "email,owner\nada@example.com,owner\n")

    assert Contact.objects.get().owner == owner


def test_two_rows_with_one_address_make_one_record(anna):
    content = "email,first_name\nada@example.com,Ada\nADA@example.com,Augusta\n"

    page = upload(anna, content)

    assert (page.context["report"].new, page.context["report"].changed) == (1, 1)
    bring_in(anna, content)
    assert Contact.objects.get().first_name == "Augusta"


def test_two_records_with_the_address_ask_for_the_id(anna, owner):
    ContactFactory.create_batch(2, owner=owner, email="ada@example.com")

    page = upload(anna, "email,phone\nada@example.com,1\n")

    [row] = page.context["report"].bad
    assert row.faults[0][0] == "email"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"email,name\n", "no row"),
        (b"\xff\xfe\x00a\n", "UTF-8"),
        (b"a\0b\nc\n", "neither"),
        (b"PK\x03\x04 broken", "no workbook"),
        (b"email,E-Mail\na@example.com,b@example.com\n", "Two columns"),
        (b'email\n"' + b"x" * 200_000 + b'"\n', "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_words(anna, content, words):
    page = upload(anna, content)

    assert page.status_code == 200
    assert words in str(page.context["form"].errors)
    assert not Contact.objects.exists()


def test_too_many_rows_and_bytes_are_refused(anna, monkeypatch):
    monkeypatch.setattr(files, "MAX_ROWS", 2)
    page = upload(anna, "email\na@x.org\nb@x.org\nc@x.org\n")
    assert "at most 2" in str(page.context["form"].errors)

    monkeypatch.setattr("crm.site.spreadsheets.MAX_BYTES", 10)
    page = upload(anna, "email\na@example.com\n")
    assert "At most" in str(page.context["form"].errors)


@pytest.mark.parametrize("make", [workbook, as_csv])
def test_a_file_of_very_many_columns_is_refused(anna, make):
    rows = [["last_name", *map(str, range(10_000))], ["Lovelace"]]

    page = upload(anna, make(*rows))

    [words] = page.context["form"].errors["file"]
    assert words == "The file has more than 200 columns."
    assert not Contact.objects.exists()


@pytest.mark.parametrize("make", [workbook, as_csv])
def test_as_many_columns_as_may_be_are_read(make):
    names = [f"column {number}" for number in range(files.MAX_COLUMNS)]

    table = files.read_table(files.Upload("", make(names, names)), {})

    assert table.headers == names
    assert list(table[0]) == names


def test_a_cell_far_to_the_right_makes_no_wide_rows():
    book = openpyxl.Workbook()
    for number in range(1, 6):
        book.active.cell(number, 1, "last_name" if number == 1 else "Lovelace")
        book.active[f"XFD{number}"] = "x"
    content = io.BytesIO()
    book.save(content)

    rows = files.worksheet_rows(content.getvalue())

    assert {len(row) for row in rows} == {files.MAX_COLUMNS + 1}
    table = files.read_table(files.Upload("", content.getvalue()), {})
    assert table.headers == ["last_name"]
    assert table["last_name"] == ["Lovelace"] * 4


def test_a_small_archive_that_unpacks_to_gigabytes_is_refused(anna, monkeypatch):
    monkeypatch.setattr(files, "MAX_UNPACKED_BYTES", 1000)

    page = upload(anna, workbook(("email",), ("a@example.com",)))

    assert "too large" in str(page.context["form"].errors)


def test_unknown_columns_are_named(anna):
    page = upload(anna, "email,shoe size\na@example.com,42\n")

    assert page.context["report"].unused == ["shoe size"]


def test_a_ticket_opens_once_and_for_its_owner_alone(anna, client, colleague):
    ticket = upload(anna, "email\na@example.com\n").context["ticket"]
    client.force_login(colleague)

    answer = client.post(url("contact_import_confirm"), {"ticket": ticket})

    assert answer.url == url("contact_import")
    assert not Contact.objects.exists()
    assert client.post(url("contact_import_confirm"), {"ticket": "forged"}).url == url(
        "contact_import"
    )


def test_a_file_is_gone_after_its_import(anna, import_dir):
    ticket = upload(anna, "email\na@example.com\n").context["ticket"]
    anna.post(url("contact_import_confirm"), {"ticket": ticket})

    assert list(import_dir.iterdir()) == []
    answer = anna.post(url("contact_import_confirm"), {"ticket": ticket})
    assert answer.url == url("contact_import")
    assert Contact.objects.count() == 1


def test_each_record_keeps_where_it_came_from(anna):
    bring_in(anna, "email\na@example.com\n", name="fair.csv")

    entry = LogEntry.objects.get(object_id=str(Contact.objects.get().pk))
    assert entry.get_change_message() == "Imported from fair.csv."


def test_rows_in_several_transactions_keep_their_numbers(anna, monkeypatch):
    monkeypatch.setattr("crm.resources.importing.ROWS_AT_ONCE", 2)
    rows = ["a@example.com", "b@example.com", "c@example.com", "wrong", "e@example.com"]

    page = upload(anna, "email\n" + "\n".join(rows))

    assert [row.number for row in page.context["report"].bad] == [5]
    bring_in(anna, "email\n" + "\n".join(rows))
    assert Contact.objects.count() == 4


def test_companies_need_a_name(anna):
    page = upload(anna, "city\nParis\n", model="company")

    [row] = page.context["report"].bad
    assert row.faults[0][0] == "name"
    bring_in(
        anna, "name,city,website\nACME,Paris,https://acme.example\n", model="company"
    )
    assert Company.objects.get().city == "Paris"
