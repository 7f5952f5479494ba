"""The "don't mail" list in the admin: files in and out, undo, history."""

from __future__ import annotations

import csv
import io

import pytest
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from massmail.models import SuppressedAddress, SuppressionChange
from massmail.models.address import Address
from massmail.tests.factories import (
    SuperuserFactory,
    SuppressedAddressFactory,
    TargetListFactory,
    UserFactory,
)

LIST = "/massmail/suppressedaddress/"
pytestmark = pytest.mark.django_db


def client_of(user) -> Client:
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def chief() -> Client:
    return client_of(SuperuserFactory(username="root"))


@pytest.fixture
def manager():
    user = UserFactory()
    wanted = ["add_suppressedaddress", "view_suppressedaddress"]
    user.user_permissions.set(Permission.objects.filter(codename__in=wanted))
    return user


def upload(client: Client, content: str | bytes, **fields):
    data = content if isinstance(content, bytes) else content.encode()
    file = SimpleUploadedFile("list.csv", data)
    return client.post(f"{LIST}import/", {"file": file, **fields})


def told(response) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def error_of(response) -> str:
    return str(response.context["form"].errors["file"][0])


def on_list() -> set[str]:
    return {str(row) for row in SuppressedAddress.objects.all()}


def test_a_file_puts_addresses_and_domains_on_the_list(chief):
    SuppressedAddressFactory(address="known@example.com", reason="opted_out")

    response = upload(
        chief,
        "E-mail;Name\nAnna@Example.com;Anna\nknown@EXAMPLE.com;K\n\n@example.org;all\n"
        "no address;x\nanna@example.com;again\n",
        reason="complaint",
    )

    assert (response.status_code, response["Location"]) == (302, LIST)
    assert on_list() == {"Anna@Example.com", "known@example.com", "example.org"}
    row = SuppressedAddress.objects.get(address="Anna@Example.com")
    assert (row.reason, row.source, row.by.username) == (
        "complaint",
        "file “list.csv”",
        "root",
    )
    assert told(response) == [
        "2 entries were added. On the list already: 1.",
        "1 line is no address (6: no address).",
    ]


@pytest.mark.parametrize(
    "content",
    [
        "anna@example.com,Anna\nbert@example.com,Bert",
        "anna@example.com\r\nbert@example.com\r\n",
        "\ufeffanna@example.com\tA\nbert@example.com\tB",
        'email\n"anna@example.com"\nbert@example.com',
        "anna@example.com;Andr\xe9\nbert@example.com;B".encode("latin-1"),
    ],
    ids=["commas", "lines", "tabs with a mark", "quoted", "not UTF-8"],
)
def test_files_of_many_programs_can_be_read(chief, content):
    upload(chief, content)

    assert on_list() == {"anna@example.com", "bert@example.com"}


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00\x01", b"name\n", b"\n\n", b"x" * 200_000]
)
def test_a_file_without_an_address_is_refused(chief, content):
    response = upload(chief, content)

    assert response.status_code == 200
    assert error_of(response)
    assert not SuppressedAddress.objects.exists()


def test_what_was_exported_is_imported_with_its_domains(chief):
    SuppressedAddressFactory(address="+anna@example.com")
    SuppressedAddressFactory(address="", domain="example.org")
    erased = SuppressedAddressFactory(address="zoe@example.com", reason="opted_out")
    SuppressedAddress.objects.blank(erased.address_key)
    content = b"".join(chief.get(f"{LIST}export/").streaming_content)
    SuppressedAddress.objects.all().delete()

    response = upload(chief, content)

    assert on_list() == {"+anna@example.com", "example.org"}
    assert told(response) == [
        "2 entries were added.",
        "1 line is no address (4: opted_out).",
    ]


def test_a_line_without_an_address_is_told_and_its_other_columns_are_not_taken(chief):
    response = upload(
        chief, "email;name;site\nanna@example.com;A;\n;Bert;x\n;;example.org\n;;\n"
    )

    assert on_list() == {"anna@example.com"}
    assert told(response)[1] == ("2 lines are no addresses (3: Bert, 4: example.org).")


def test_a_file_of_opt_outs_says_more_than_what_was_on_the_list(chief):
    for reason in ("hard_bounce", "manual", "opted_out"):
        SuppressedAddressFactory(address=f"{reason}@example.com", reason=reason)
    kept = SuppressedAddress.objects.get(reason="opted_out").source

    response = upload(
        chief,
        "\n".join(
            f"{name}@example.com" for name in ("hard_bounce", "manual", "opted_out")
        ),
        reason="opted_out",
    )

    assert told(response) == ["0 entries were added. On the list already: 3."]
    assert set(SuppressedAddress.objects.values_list("reason", flat=True)) == {
        "opted_out"
    }
    assert SuppressedAddress.objects.get(address="opted_out@example.com").source == kept
    changes = SuppressionChange.objects.filter(action="changed", reason="opted_out")
    assert changes.filter(source="file “list.csv”", by__username="root").count() == 2


def test_managers_add_addresses_but_no_domains_and_no_other_reason(manager):
    client = client_of(manager)

    refused = upload(client, "anna@example.com\nexample.org\n")
    assert error_of(refused) == "Only superusers can add whole domains: example.org"
    assert not SuppressedAddress.objects.exists()

    upload(client, "anna@example.com\n", reason="opted_out")
    row = SuppressedAddress.objects.get()
    assert (row.reason, row.by) == ("manual", manager)


def test_who_may_not_add_may_not_import():
    client = client_of(UserFactory())

    assert client.get(f"{LIST}import/").status_code == 403
    assert upload(client, "anna@example.com").status_code == 403
    assert client.get(f"{LIST}export/").status_code == 403
    assert not SuppressedAddress.objects.exists()


def rows_of(response) -> list[list[str]]:
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


def test_the_export_has_what_the_person_may_see(chief, manager):
    SuppressedAddressFactory(address="mine@example.com", by=manager)
    SuppressedAddressFactory(address="", domain="example.org", source="=1+1")

    head, mine, domain = rows_of(chief.get(f"{LIST}export/"))
    assert head == ["address", "domain", "reason", "source", "since", "by"]
    assert mine[:3] == ["mine@example.com", "", "manual"]
    assert (domain[1], domain[3]) == ("example.org", "'=1+1")
    assert len(rows_of(client_of(manager).get(f"{LIST}export/"))) == 2
    assert chief.post(f"{LIST}export/").status_code == 405


@pytest.mark.parametrize("start", ["=", "+", "-"])
def test_nothing_in_the_export_is_a_formula_and_all_of_it_comes_back(chief, start):
    address = f"{start}sum@example.com"
    SuppressedAddressFactory(address=address)
    content = b"".join(chief.get(f"{LIST}export/").streaming_content)
    SuppressedAddress.objects.all().delete()

    assert f"'{address}" in content.decode()
    upload(chief, content)

    assert on_list() == {address}


def test_an_export_can_be_imported(chief):
    SuppressedAddressFactory(address="anna@example.com")
    content = b"".join(chief.get(f"{LIST}export/").streaming_content)
    SuppressedAddress.objects.all().delete()

    upload(chief, content)

    assert on_list() == {"anna@example.com"}


def test_only_a_superuser_takes_an_entry_off_and_the_history_knows(chief, manager):
    row = SuppressedAddressFactory(address="anna@example.com", by=manager)

    refused = client_of(manager).post(f"{LIST}{row.pk}/delete/", {"post": "yes"})
    assert refused.status_code == 403
    assert SuppressedAddress.objects.exists()

    chief.post(f"{LIST}{row.pk}/delete/", {"post": "yes"})

    assert not SuppressedAddress.objects.exists()
    change = SuppressionChange.objects.get()
    assert (change.action, change.by.username) == ("lifted", "root")
    page = chief.get("/massmail/suppressionchange/?q=ANNA@example.com")
    assert page.context["cl"].result_count == 1


def test_many_at_once_are_taken_off_with_their_history(chief):
    rows = SuppressedAddressFactory.create_batch(3)

    chief.post(
        LIST,
        {
            "action": "delete_selected",
            "_selected_action": [row.pk for row in rows],
            "post": "yes",
        },
    )

    assert SuppressionChange.objects.filter(action="lifted").count() == 3


def test_an_entry_by_hand_is_in_the_history(chief):
    chief.post(f"{LIST}add/", {"address": "anna@example.com", "reason": "manual"})

    assert SuppressionChange.objects.get().action == "added"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_list_is_read_whatever_its_encoding(chief, encoding):
    response = upload(chief, "address\nanna@bücher.example\n".encode(encoding))

    assert response.status_code == 302
    [row] = SuppressedAddress.objects.all()
    assert row.address_key == Address.parse("anna@bücher.example").key


def test_unicode_text_of_a_spreadsheet_keeps_letters_that_windows_has_not(chief):
    upload(chief, "anna@почта.example\tAnna\n".encode("utf-16"))

    [row] = SuppressedAddress.objects.all()
    assert row.address_key == Address.parse("anna@почта.example").key


def test_the_list_says_whether_all_mailings_were_left_or_those_of_a_list(chief):
    news = TargetListFactory(name="News")
    SuppressedAddressFactory(address="all@example.com")
    SuppressedAddress.objects.suppress(
        "one@example.com", reason="opted_out", source="x", target_list=news
    )

    for scope, shown, words in (
        ("all", "all@example.com", "all mailings"),
        ("list", "one@example.com", "News"),
    ):
        page = chief.get(f"{LIST}?scope={scope}")

        [row] = page.context["cl"].result_list
        assert str(row) == shown
        assert f'class="field-scope">{words}</td>' in page.text
