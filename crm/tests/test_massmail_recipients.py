"""The wiring to massmail."""

from __future__ import annotations

import pytest

from crm.models import Company, Contact, Lead
from crm.tests.factories import CompanyFactory, ContactFactory, LeadFactory
from massmail.models import SuppressedAddress
from massmail.recipients.registry import source_of, sources

pytestmark = pytest.mark.django_db


def test_each_source_names_paths_that_exist():
    own = [source for source in sources() if source.label.startswith("crm.")]

    assert [source.label for source in own] == [
        "crm.company",
        "crm.contact",
        "crm.lead",
    ]
    assert [problem for source in own for problem in source.problems()] == []


@pytest.mark.parametrize("factory", [CompanyFactory, ContactFactory, LeadFactory])
def test_people_mail_what_is_assigned_to_them(factory, owner, superuser, chief):
    mine, own = factory(owner=owner), factory(owner=superuser)
    source = source_of(type(mine))

    assert list(source.addressable_by(owner)) == [mine]
    assert list(source.addressable_by(superuser)) == [own]
    assert list(source.addressable_by(chief)) == []


def test_a_contact_as_recipient(owner):
    company = CompanyFactory(name="Analytical Engines", city="London")
    contact = ContactFactory(
        owner=owner,
        first_name="Ada",
        last_name="Lovelace",
        email="ada@example.com",
        company=company,
        language="en",
        time_zone="Europe/London",
    )

    recipient = source_of(Contact).recipients([contact.pk])[str(contact.pk)]

    assert recipient.address == "ada@example.com"
    assert recipient.name == "Ada Lovelace"
    assert (recipient.language, recipient.time_zone) == ("en", "Europe/London")
    assert recipient.variables["company"] == "Analytical Engines"
    assert recipient.variables["city"] == "London"


@pytest.mark.parametrize("factory", [CompanyFactory, ContactFactory, LeadFactory])
def test_an_unsubscription_reaches_the_record_and_comes_back(factory):
    record, other = factory(), factory()
    source = source_of(type(record))

    source.on_unsubscribe([record.pk])
    source.on_unsubscribe([record.pk])

    assert set(accepting(type(record))) == {other.pk}

    source.on_resubscribe([record.pk])

    assert set(accepting(type(record))) == {record.pk, other.pk}


def accepting(model: type[Company | Contact | Lead]):
    return model.objects.filter(accepts_mailings=True).values_list("pk", flat=True)


@pytest.mark.parametrize("factory", [CompanyFactory, ContactFactory, LeadFactory])
def test_who_is_disqualified_or_opted_out_is_excluded(factory):
    fine = factory()
    disqualified = factory(disqualified=True)
    opted_out = factory(accepts_mailings=False)
    exclusions = source_of(type(fine)).exclusions
    records = type(fine).objects

    assert records.get(exclusions["disqualified"]) == disqualified
    assert records.get(exclusions["opted_out"]) == opted_out


def test_setting_the_flag_again_lifts_no_suppression():
    contact = ContactFactory(email="ada@example.com", accepts_mailings=False)
    SuppressedAddress.objects.suppress(
        "ada@example.com", reason="opted_out", source="test"
    )

    contact.accepts_mailings = True
    contact.save()

    assert SuppressedAddress.objects.covers("ada@example.com")
