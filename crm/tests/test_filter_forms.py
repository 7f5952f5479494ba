"""Managers choose companies, contacts and leads by what the CRM knows of them."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from crm.models import ClientType, Country, Industry, Tag
from crm.tests.factories import CompanyFactory, ContactFactory, LeadFactory

pytestmark = pytest.mark.django_db
PAGE = "/massmail/mailingout/create/crm.{}/"


@pytest.fixture
def chosen(client, owner):
    """Keys of the records that the filters choose, of the page's own answer."""
    client.force_login(owner)

    def ask(kind, **filters):
        data = {f"record-{name}": value for name, value in filters.items()}
        return client.get(PAGE.format(kind) + "count/", data).json()

    return ask


@pytest.fixture
def food(db):
    return Industry.objects.create(name="Food")


@pytest.fixture
def partner(db):
    return ClientType.objects.create(name="Partner")


def test_companies_by_industry_type_country_and_tag(chosen, owner, food, partner):
    norway = Country.objects.create(code="NO", name="Norway")
    tags = [Tag.objects.create(name=name) for name in ("fair", "wine")]
    company = CompanyFactory(
        owner=owner, industry=food, client_type=partner, country=norway
    )
    company.tags.set(tags)
    CompanyFactory(owner=owner)

    for filters in (
        {},
        {"industry": food.pk},
        {"client_type": partner.pk},
        {"country": norway.pk},
        {"tags": [tag.pk for tag in tags]},
    ):
        assert chosen("company", **filters)["count"] == (1 if filters else 2)


def test_a_filter_without_choices_is_not_shown(client, owner, food):
    client.force_login(owner)
    ContactFactory(owner=owner, company=CompanyFactory(owner=owner, industry=food))

    body = client.get(PAGE.format("contact")).content.decode()

    assert "<legend>Industries</legend>" in body
    assert "<legend>Countries</legend>" not in body


def test_contacts_by_what_their_company_is(chosen, owner, food, partner):
    company = CompanyFactory(owner=owner, industry=food, client_type=partner)
    ContactFactory(owner=owner, company=company)
    ContactFactory(owner=owner)

    assert chosen("contact", industry=food.pk)["count"] == 1
    assert chosen("contact", client_type=partner.pk)["count"] == 1


def test_leads_by_industry(chosen, owner, food):
    LeadFactory(owner=owner, industry=food)
    LeadFactory(owner=owner)

    assert chosen("lead", industry=food.pk)["count"] == 1


def test_both_days_of_a_span_belong_to_it(chosen, owner):
    day = dt.date(2026, 5, 4)
    for hours in (-1, 0, 23, 24):
        start = timezone.make_aware(dt.datetime.combine(day, dt.time()))
        contact = ContactFactory(owner=owner)
        type(contact).objects.filter(pk=contact.pk).update(
            created_at=start + dt.timedelta(hours=hours)
        )

    facts = chosen("contact", created_from=day, created_until=day)
    wrong = chosen("contact", created_from=day, created_until=dt.date(2026, 5, 3))

    assert facts["count"] == 2
    assert wrong["errors"] == ["Created until: It must not be before the first day."]


def test_languages_are_called_by_their_names(client, owner):
    for code in ("de", "zh-Hans", "tlh"):
        ContactFactory(owner=owner, language=code)
    client.force_login(owner)

    html = client.get(PAGE.format("contact")).text

    for name in ("German", "Simplified Chinese", "tlh"):
        assert f"> {name}</label>" in " ".join(html.split()).replace("\n", " ")


def test_only_what_occurs_among_ones_own_records_is_offered(client, owner, food):
    ContactFactory(company=CompanyFactory(industry=food))
    CompanyFactory(owner=owner, industry=Industry.objects.create(name="Textiles"))
    client.force_login(owner)

    html = client.get(PAGE.format("company")).content.decode()

    assert "Textiles" in html
    assert "Food" not in html


def test_a_colleagues_records_are_nobodys_to_choose(chosen, owner, colleague):
    ContactFactory(owner=colleague, email="secret@example.com")
    ContactFactory(owner=owner)

    facts = chosen("contact")

    assert facts["count"] == 1
    assert "secret" not in facts["html"]


@pytest.mark.parametrize("role", ["chief", "operator", "superoperator", "head"])
def test_who_does_not_mail_has_no_such_page(request, client, role):
    client.force_login(request.getfixturevalue(role))

    assert client.get(PAGE.format("contact")).status_code in (403, 404)


@pytest.mark.parametrize(
    "filters",
    [
        {"created_until": "9999-12-31"},
        {"created_from": "0001-01-01"},
        {"tags": "9" * 30},
        {"country": ["1", "9" * 30]},
    ],
)
def test_what_no_database_holds_is_told_and_chooses_nobody(chosen, owner, filters):
    ContactFactory(owner=owner)
    Tag.objects.create(name="fair")

    facts = chosen("contact", **filters)

    assert facts["count"] is None
    assert len(facts["errors"]) == 1
