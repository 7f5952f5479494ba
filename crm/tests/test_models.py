"""Records of the CRM."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db.models import ProtectedError

from crm.models import Contact, Lead
from crm.tests.factories import CompanyFactory, ContactFactory, LeadFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("first", "middle", "last", "full"),
    [
        ("Ada", "", "Lovelace", "Ada Lovelace"),
        ("Ada", "King", "Lovelace", "Ada King Lovelace"),
        ("", "", "Lovelace", "Lovelace"),
        ("Ada", "", "", "Ada"),
        ("", "King", "", "King"),
        ("", "", "", ""),
        ("Łukasz", "", "Święty", "Łukasz Święty"),
        ("ليلى", "", "حداد", "ليلى حداد"),
        ("山田", "", "太郎", "山田 太郎"),
    ],
)
def test_the_database_makes_the_full_name(first, middle, last, full):
    contact = ContactFactory(first_name=first, middle_name=middle, last_name=last)

    assert Contact.objects.get(full_name=full) == contact


def test_the_full_name_follows_a_change():
    lead = LeadFactory(first_name="Ada", last_name="Byron")

    Lead.objects.filter(pk=lead.pk).update(last_name="Lovelace")

    assert Lead.objects.get().full_name == "Ada Lovelace"


def test_the_longest_names_fit():
    contact = ContactFactory(
        first_name="a" * 100, middle_name="b" * 95, last_name="c" * 100
    )
    contact.full_clean()
    contact.refresh_from_db()

    assert len(contact.full_name) == 297


def test_a_person_without_a_name_shows_the_address():
    contact = Contact(email="ada@example.com")

    assert str(contact) == "ada@example.com"


def test_a_person_needs_a_name_or_an_address(owner):
    with pytest.raises(ValidationError, match="Give a name or an e-mail address"):
        Contact(owner=owner).full_clean()


def test_an_unknown_time_zone_is_refused(owner):
    with pytest.raises(ValidationError, match="no such time zone"):
        Contact(owner=owner, first_name="Ada", time_zone="Mars/Base").full_clean()


def test_contacts_outlive_their_company():
    company = CompanyFactory()
    contact = ContactFactory(company=company)

    company.delete()
    contact.refresh_from_db()

    assert contact.company is None


def test_an_owner_of_records_cannot_be_deleted(owner):
    ContactFactory(owner=owner)

    with pytest.raises(ProtectedError):
        owner.delete()
