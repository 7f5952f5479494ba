"""The lists and pages of companies, contacts and leads."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.models import Contact, Tag
from crm.tests.factories import CompanyFactory, ContactFactory, LeadFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def contact(owner, north):
    return ContactFactory(
        owner=owner,
        department=north.group,
        last_name="Owned",
        email="owned@example.com",
    )


def admin_url(name: str, obj=None) -> str:
    return reverse(f"admin:crm_{name}", args=[obj.pk] if obj else [])


def posted(contact: Contact, **changes) -> dict:
    fields = ("first_name", "middle_name", "last_name", "title", "email", "phone")
    values = {name: getattr(contact, name) for name in fields}
    values |= {"language": "", "time_zone": "", "accepts_mailings": "on"}
    return values | changes


@pytest.mark.parametrize(
    ("role", "sees"),
    [
        ("owner", True),
        ("colleague", False),
        ("chief", True),
        ("operator", True),
        ("superoperator", True),
        ("superuser", True),
    ],
)
def test_a_list_shows_the_rows_that_the_policy_shows(
    request, client, contact, role, sees
):
    client.force_login(request.getfixturevalue(role))

    page = client.get(admin_url("contact_changelist"))

    assert page.status_code == 200
    assert ("owned@example.com" in page.content.decode()) is sees


def test_an_empty_list_says_what_to_do_next(client, owner):
    client.force_login(owner)

    empty = client.get(admin_url("contact_changelist")).content.decode()
    narrowed = client.get(admin_url("contact_changelist"), {"q": "x"}).content.decode()

    assert "There are no contacts yet." in empty
    assert f'href="{admin_url("contact_add")}">Add contact</a>' in empty
    assert "There are no contacts yet." not in narrowed


def test_a_department_head_has_no_business_with_contacts(client, contact, head):
    client.force_login(head)

    assert client.get(admin_url("contact_changelist")).status_code == 403


@pytest.mark.parametrize(
    ("role", "name"),
    [("owner", "Changed"), ("operator", "Changed"), ("chief", "Owned")],
)
def test_who_may_change_a_contact(request, client, contact, role, name):
    client.force_login(request.getfixturevalue(role))

    client.post(
        admin_url("contact_change", contact), posted(contact, last_name="Changed")
    )

    contact.refresh_from_db()
    assert contact.last_name == name


def test_a_colleague_neither_opens_changes_nor_deletes_it(client, contact, colleague):
    client.force_login(colleague)
    change = admin_url("contact_change", contact)

    opened = client.get(change, follow=True)
    client.post(change, posted(contact, last_name="Changed"))
    client.post(admin_url("contact_delete", contact), {"post": "yes"})
    client.post(
        admin_url("contact_changelist"),
        {"action": "delete_selected", "_selected_action": [contact.pk], "post": "yes"},
    )

    assert "Owned" not in opened.content.decode()
    contact.refresh_from_db()
    assert contact.last_name == "Owned"


def test_a_new_contact_is_mine_and_my_departments(client, owner, north):
    client.force_login(owner)

    client.post(admin_url("contact_add"), posted(Contact(first_name="Ada")))

    contact = Contact.objects.get()
    assert contact.owner == owner
    assert contact.department == north.group


def test_a_manager_cannot_give_a_contact_away(client, contact, owner, colleague):
    client.force_login(owner)

    client.post(
        admin_url("contact_change", contact), posted(contact, owner=colleague.pk)
    )

    contact.refresh_from_db()
    assert contact.owner == owner


def test_an_operator_assigns_within_the_department(
    client, operator, contact, colleague, superuser, north
):
    client.force_login(operator)
    page = admin_url("contact_change", contact)
    department = {"department": north.group.pk}

    refused = client.post(page, posted(contact, owner=superuser.pk, **department))
    contact.refresh_from_db()
    assert refused.status_code == 200
    assert contact.owner.username == "owner"

    client.post(page, posted(contact, owner=colleague.pk, **department))
    contact.refresh_from_db()
    assert contact.owner == colleague


def test_an_owner_who_left_stays_when_an_operator_edits(
    client, operator, contact, owner, north
):
    owner.is_active = False
    owner.save()
    client.force_login(operator)

    client.post(
        admin_url("contact_change", contact),
        posted(contact, owner=owner.pk, department=north.group.pk, title="Dr"),
    )

    contact.refresh_from_db()
    assert (contact.owner, contact.title) == (owner, "Dr")


def test_autocomplete_offers_no_foreign_company(client, owner, colleague):
    CompanyFactory(name="Acme mine", owner=owner)
    CompanyFactory(name="Acme theirs", owner=colleague)
    client.force_login(owner)

    answer = client.get(
        reverse("admin:autocomplete"),
        {
            "term": "acme",
            "app_label": "crm",
            "model_name": "contact",
            "field_name": "company",
        },
    )

    assert [row["text"] for row in answer.json()["results"]] == ["Acme mine"]


def test_a_foreign_company_cannot_be_chosen(client, contact, owner, colleague):
    theirs = CompanyFactory(owner=colleague)
    client.force_login(owner)

    page = client.post(
        admin_url("contact_change", contact), posted(contact, company=theirs.pk)
    )

    contact.refresh_from_db()
    assert page.status_code == 200
    assert contact.company is None


def test_the_owner_filter_offers_only_colleagues_whose_records_one_sees(
    client, contact, owner, chief, colleague
):
    ContactFactory(
        owner=colleague, department=contact.department, email="c@example.org"
    )
    url = admin_url("contact_changelist")

    client.force_login(owner)
    assert "?owner=" not in client.get(url).content.decode()
    client.force_login(chief)
    assert f"?owner={owner.pk}" in client.get(url).content.decode()

    filtered = client.get(url, {"owner": owner.pk}).content.decode()
    assert "owned@example.com" in filtered
    assert "c@example.org" not in filtered


@pytest.mark.parametrize(
    "question", ["owner__password__startswith", "company__name__startswith"]
)
def test_a_list_answers_no_questions_beside_its_filters(
    client, contact, owner, question
):
    client.force_login(owner)

    answer = client.get(admin_url("contact_changelist"), {question: "a"})

    assert answer.status_code == 400


@pytest.mark.parametrize(
    "question", [{"created_at__year": "10000"}, {"language": "\0"}]
)
def test_what_no_database_compares_leads_back_to_the_list(
    client, contact, owner, question
):
    client.force_login(owner)

    answer = client.get(admin_url("contact_changelist"), question, follow=True)

    assert answer.status_code == 200
    assert answer.redirect_chain


@pytest.mark.parametrize(
    "moment", ["9999-12-31 23:59:59-12:00", "0001-01-01 00:00:00+12:00"]
)
def test_the_ends_of_the_calendar_are_no_error(client, contact, owner, moment):
    """PostgreSQL compares with them, SQLite can't."""
    client.force_login(owner)
    question = {"created_at__gte": moment}

    answer = client.get(admin_url("contact_changelist"), question, follow=True)

    assert answer.status_code == 200


@pytest.mark.parametrize("key", ["9" * 30, "abc", "\x00", "²"])
@pytest.mark.parametrize("field", ["tags", "company"])
def test_a_key_of_no_row_is_refused_at_its_field(client, contact, owner, field, key):
    client.force_login(owner)
    url = admin_url("contact_change", contact)

    answer = client.post(url, {"first_name": "Eve", field: key})
    opened = client.get(admin_url("contact_add"), {field: key})

    assert answer.status_code == 200
    assert field in answer.context["adminform"].form.errors
    assert opened.status_code == 200
    contact.refresh_from_db()
    assert contact.first_name != "Eve"


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_there_is_no_export_of_a_day_of_no_calendar(client, contact, owner, kind):
    client.force_login(owner)

    answer = client.get(
        admin_url(f"contact_export_{kind}"), {"created_at__year": "10000"}
    )

    assert answer.status_code == 404


@pytest.mark.parametrize("term", ["Owned", "owned@example", "ada own"])
def test_search_finds_by_name_and_address(client, contact, owner, term):
    ContactFactory(owner=owner, last_name="Else", email="else@example.com")
    client.force_login(owner)

    page = client.get(admin_url("contact_changelist"), {"q": term}).content.decode()

    assert "owned@example.com" in page
    assert "else@example.com" not in page


@pytest.mark.parametrize("name", ["company", "contact", "lead"])
def test_a_list_costs_the_same_number_of_queries_for_more_rows(client, owner, name):
    factories = {
        "company": CompanyFactory,
        "contact": ContactFactory,
        "lead": LeadFactory,
    }
    client.force_login(owner)
    url = admin_url(f"{name}_changelist")

    def queries_with_more_rows() -> int:
        record = factories[name](owner=owner)
        record.tags.add(Tag.objects.get_or_create(name="new")[0])
        if name == "contact":
            Contact.objects.filter(pk=record.pk).update(company=CompanyFactory())
        with CaptureQueriesContext(connection) as captured:
            assert client.get(url).status_code == 200
        return len(captured)

    queries_with_more_rows()
    assert queries_with_more_rows() == queries_with_more_rows()


def test_every_filter_of_the_lists_answers(client, superuser, contact):
    client.force_login(superuser)
    tag = Tag.objects.create(name="new")
    contact.tags.add(tag)

    page = client.get(
        admin_url("contact_changelist"),
        {"tags__id__exact": tag.pk, "accepts_mailings__exact": 1},
    )

    assert "owned@example.com" in page.content.decode()


def test_what_one_works_with_comes_before_what_one_administers(admin_client):
    response = admin_client.get("/")

    labels = [app["app_label"] for app in response.context["app_list"]]
    assert labels[:3] == ["crm", "massmail", "settings"]
    assert set(labels[3:]) == {"auth", "axes"}
