"""Believable people who never share an address."""

from __future__ import annotations

import pytest

from crm.demo import people
from crm.demo.awkward import MAILABLE, TROUBLE_OF_A_HUNDRED, trouble_of
from crm.demo.cultures import Name, cultures, in_latin
from massmail.models.address import Address

COMPANIES = 400


def addresses(count: int):
    for number in range(count):
        company = people.company(people.employer(number, COMPANIES))
        yield f"{people.person(number).local_part}@{company.domain}"


def test_no_two_people_share_an_address():
    keys = [Address.parse(address).key for address in addresses(20_000)]

    assert len(set(keys)) == 20_000


def test_no_two_companies_share_a_domain():
    domains = [people.company(number).domain for number in range(2000)]

    assert len(set(domains)) == 2000


def test_every_address_is_of_a_domain_that_nobody_has():
    for number in range(2000):
        parsed = Address.parse(f"office@{people.company(number).domain}")
        assert parsed.domain.endswith((".example.com", ".example.org", ".example.net"))


def test_some_domains_are_internationalised():
    domains = [people.company(number).domain for number in range(60)]

    assert "bäckerei-groß.example.org" in domains
    assert "xn--" in Address.parse(f"a@{domains[1]}").domain


def test_everybody_works_in_a_company_of_the_own_culture():
    for number in range(500):
        employer = people.company(people.employer(number, COMPANIES))
        assert employer.culture is people.person(number).culture


@pytest.mark.parametrize("companies", [26, 60, 61, 2000])
def test_employers_are_companies_that_there_are(companies):
    found = {people.employer(number, companies) for number in range(companies * 30)}

    assert found == set(range(companies))


def test_the_same_number_is_the_same_person():
    assert people.person(12_345) == people.person(12_345)


def test_the_first_three_hundred_come_from_all_cultures_with_many_names():
    persons = [people.person(number) for number in range(300)]

    assert {person.culture.country for person in persons} == {
        culture.country for culture in cultures()
    }
    assert len({(p.first.text, p.last.text) for p in persons}) == 300


@pytest.mark.parametrize(
    ("text", "latin"),
    [
        ("Łukasz", "lukasz"),
        ("Þór", "thor"),
        ("D’Aubigné", "daubigne"),
        ("Weiß", "weiss"),
        ("Văn Đức", "van-duc"),
        ("Hargreaves & Daughters", "hargreaves-daughters"),
    ],
)
def test_latin_names_lose_their_accents(text, latin):
    assert in_latin(text) == latin


def test_other_scripts_bring_their_spelling_with_them():
    name = Name.parse("青山茶业=qingshan-chaye|青山茶业")

    assert (name.text, name.latin) == ("青山茶业", "qingshan-chaye")
    assert name.idn_label == "青山茶业"


@pytest.mark.parametrize("count", [*range(1, 130), 300, 1001, 99_999])
def test_of_any_number_of_contacts_nine_in_ten_are_mailable(count):
    unmailable = sum(
        trouble_of(number) not in (None, *MAILABLE) for number in range(count)
    )

    assert unmailable <= count / 10


def test_each_kind_of_trouble_is_in_the_first_hundred():
    found = {trouble_of(number) for number in range(100)} - {None}

    assert found == set(TROUBLE_OF_A_HUNDRED.values())
