"""Companies, contacts and leads of the demo, made in chunks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.core.management import call_command
from django.db import models, transaction

from common.utils.helpers import chunked
from crm.demo import people
from crm.demo.awkward import SPOILERS, Trouble, broken_address, trouble_of
from crm.demo.staff import Team
from crm.models import ClientType, Company, Contact, Country, Industry, Lead, Tag
from massmail.models import MassContact, SuppressedAddress
from massmail.models.address import Address
from massmail.recipients.registry import source_of

CHUNK = 1000
FEWEST_COMPANIES = 60
LEADS = 100
# People of the leads are others than the first contacts.
FIRST_LEAD = 7_000_000
VIP_NUMBERS = (0, 50, 100, 150, 200)
INDUSTRIES = ("Manufacturing", "Food", "Textiles", "Logistics", "Software", "Tourism")
CLIENT_TYPES = ("Customer", "Partner", "Reseller", "Prospect")
TAGS = ("newsletter", "trade fair", "tasting guest", "long-standing", "wholesale")


@dataclass(frozen=True, slots=True)
class Choices:
    """Keys of the short lists."""

    countries: dict[str, int]
    industries: list[int]
    client_types: list[int]
    tags: list[int]


def load_records(team: Team, contacts: int) -> None:
    """As many contacts as asked for, some hundred companies and leads besides."""
    choices = load_choices()
    companies = max(FEWEST_COMPANIES, contacts // 50)
    keys = load_companies(team, choices, companies)
    load_contacts(team, choices, keys, contacts)
    load_leads(team, choices)


def load_choices() -> Choices:
    call_command("loaddata", "countries", verbosity=0)
    return Choices(
        countries=dict(Country.objects.values_list("code", "pk")),
        industries=make_named(Industry, INDUSTRIES),
        client_types=make_named(ClientType, CLIENT_TYPES),
        tags=make_named(Tag, TAGS),
    )


def make_named(model: type[models.Model], names: tuple[str, ...]) -> list[int]:
    manager = model._default_manager
    return [manager.get_or_create(name=name)[0].pk for name in names]


def load_companies(team: Team, choices: Choices, count: int) -> list[int]:
    """Primary keys by number."""
    rows = (new_company(team, choices, number) for number in range(count))
    keys: list[int] = []
    for chunk in chunked(rows, CHUNK):
        with transaction.atomic():
            created = Company.objects.bulk_create(chunk)
            tag_every(Company, created, choices, 4, first=len(keys))
        keys += [company.pk for company in created]
    return keys


def new_company(team: Team, choices: Choices, number: int) -> Company:
    company = people.company(number)
    marek = number % 10 == 9
    return Company(
        name=company.name,
        email=f"office@{company.domain}",
        phone=phone(number),
        website=f"https://{company.domain}",
        city=company.city,
        country_id=choices.countries[company.culture.country],
        industry_id=pick(choices.industries, number),
        client_type_id=pick(choices.client_types, number // 3),
        owner=team.marek if marek else team.anna,
        department=team.south if marek else team.north,
    )


def load_contacts(
    team: Team, choices: Choices, companies: list[int], count: int
) -> None:
    numbers = range(count)
    for chunk in chunked(numbers, CHUNK):
        rows = [new_contact(team, choices, companies, number) for number in chunk]
        with transaction.atomic():
            created = Contact.objects.bulk_create(rows)
            tag_every(Contact, created, choices, 3, first=chunk[0])
            mark_vips(dict(zip(chunk, created, strict=True)))
            suppress_some(dict(zip(chunk, created, strict=True)))


def new_contact(
    team: Team, choices: Choices, companies: list[int], number: int
) -> Contact:
    person = people.person(number)
    trouble = trouble_of(number)
    marek = trouble == Trouble.COLLEAGUES
    contact = Contact(
        title="Dr" if number % 17 == 0 else "",
        first_name=person.first.text,
        last_name=person.last.text,
        email=contact_address(number, len(companies)),
        phone=phone(number),
        company_id=companies[people.employer(number, len(companies))],
        country_id=choices.countries[person.culture.country],
        language=person.culture.language,
        time_zone=person.culture.time_zone,
        owner=team.marek if marek else team.anna,
        department=team.south if marek else team.north,
    )
    if trouble in SPOILERS:
        SPOILERS[trouble](contact)
    return contact


def contact_address(number: int, companies: int) -> str:
    trouble = trouble_of(number)
    if trouble == Trouble.SHARED_ADDRESS:
        return contact_address(number - 1, companies)
    local = people.person(number).local_part
    domain = people.company(people.employer(number, companies)).domain
    if trouble == Trouble.BROKEN_ADDRESS:
        return broken_address(number, local, domain)
    return f"{local}@{domain}"


def mark_vips(contacts: dict[int, Contact]) -> None:
    """A few are mailed from the main account."""
    source = source_of(Contact)
    MassContact.objects.bulk_create(
        MassContact(
            content_type=source.content_type, object_id=str(contact.pk), is_vip=True
        )
        for number, contact in contacts.items()
        if number in VIP_NUMBERS
    )


def suppress_some(contacts: dict[int, Contact]) -> None:
    """One of a hundred is on the don't-mail list."""
    addresses = (
        Address.parse(contact.email)
        for number, contact in contacts.items()
        if trouble_of(number) == Trouble.SUPPRESSED
    )
    SuppressedAddress.objects.bulk_create(
        SuppressedAddress(
            address=address.text,
            address_key=address.key,
            reason=SuppressedAddress.Reason.MANUAL,
            source="demo data",
        )
        for address in addresses
    )


def load_leads(team: Team, choices: Choices) -> None:
    leads = [new_lead(team, choices, number) for number in range(LEADS)]
    with transaction.atomic():
        created = Lead.objects.bulk_create(leads)
        tag_every(Lead, created, choices, 5, first=0)


def new_lead(team: Team, choices: Choices, number: int) -> Lead:
    person = people.person(FIRST_LEAD + number)
    country = person.culture.country
    marek = number % 4 == 3
    return Lead(
        first_name=person.first.text,
        last_name=person.last.text,
        email=f"{person.local_part}@{country.lower()}.post.example.net"
        if number % 20
        else "",
        company_name=people.company(number).name if number % 3 else "",
        country_id=choices.countries[country],
        industry_id=pick(choices.industries, number),
        owner=team.marek if marek else team.anna,
        department=team.south if marek else team.north,
        accepts_mailings=number % 25 != 7,
        disqualified=number % 25 == 11,
    )


def tag_every(
    model: type[Company | Contact | Lead],
    rows: list[Company] | list[Contact] | list[Lead],
    choices: Choices,
    step: int,
    *,
    first: int,
) -> None:
    """Put a tag on every `step`th row; `first` is the number of the first one."""
    through: Any = model.tags.through
    column = f"{model._meta.model_name}_id"
    through._default_manager.bulk_create(
        through(**{column: row.pk, "tag_id": pick(choices.tags, number // step)})
        for number, row in numbered(rows, first)
        if number % step == 0
    )


def numbered(rows: list, first: int) -> Iterator[tuple[int, models.Model]]:
    return enumerate(rows, start=first)


def pick(keys: list[int], number: int) -> int:
    return keys[number % len(keys)]


def phone(number: int) -> str:
    """Of the range that is reserved for stories."""
    return f"+1 202 555 01{number % 100:02}"
