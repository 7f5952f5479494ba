"""Believable companies and people, each one a pure function of its number.

Nothing is remembered between two of them, so 100,000 cost no more memory than one,
and no two have the same address.
"""

from __future__ import annotations

from dataclasses import dataclass

from crm.demo.cultures import Culture, Name, cultures

# Coprime to the number of names of every culture: steps over them, meets each once.
STRIDE = 43
TOP_DOMAINS = ("example.com", "example.org", "example.net")


@dataclass(frozen=True, slots=True)
class DemoCompany:
    """A company and its domain, which may be an internationalised one."""

    culture: Culture
    name: str
    domain: str
    city: str


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """A person; `local_part` is unique among all people of the culture."""

    culture: Culture
    first: Name
    last: Name
    local_part: str


def company(number: int) -> DemoCompany:
    """The company with this number, counted from 0."""
    every = cultures()
    round_number, index = divmod(number, len(every))
    culture = every[index]
    branch, which = divmod(round_number, len(culture.companies))
    name = culture.companies[which]
    city = culture.cities[round_number % len(culture.cities)]
    label, text = name.idn_label or name.latin, name.text
    if branch:
        label, text = f"{name.latin}-{city.latin}-{branch}", f"{text} {city.text}"
    domain = f"{label}.{TOP_DOMAINS[number % len(TOP_DOMAINS)]}"
    return DemoCompany(culture, text, domain, city.text)


def employer(number: int, companies: int) -> int:
    """The number of the company, of 26 or more, that a person works for.

    It is one of the person's own culture.
    """
    round_number, index = divmod(number, len(cultures()))
    of_the_culture = (companies - index - 1) // len(cultures()) + 1
    return index + len(cultures()) * (round_number % of_the_culture)


def person(number: int) -> DemoPerson:
    """The person with this number, counted from 0."""
    every = cultures()
    round_number, index = divmod(number, len(every))
    culture = every[index]
    size = sum(len(people) for people in culture.people)
    generation, position = divmod(round_number, size)
    first, last = nth_name(culture, (position * STRIDE + index) % size)
    local_part = f"{first.latin}.{last.latin}"
    if generation:
        local_part += str(generation + 1)
    return DemoPerson(culture, first, last, local_part)


def nth_name(culture: Culture, position: int) -> tuple[Name, Name]:
    for people in culture.people:
        if position < len(people):
            return people[position]
        position -= len(people)
    raise IndexError(position)
