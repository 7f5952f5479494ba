"""The stock of names from which the demo's companies and people are made."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CULTURES_FILE = Path(__file__).with_name("cultures.toml")

# Latin letters that do not fall apart into a letter and an accent.
WHOLE_LETTERS = str.maketrans(
    {
        "ß": "ss",
        "æ": "ae",
        "Æ": "ae",
        "ø": "o",
        "Ø": "o",
        "ł": "l",
        "Ł": "l",
        "đ": "d",
        "Đ": "d",
        "ð": "d",
        "þ": "th",
        "Þ": "th",
        "ı": "i",
    }
)


@dataclass(frozen=True, slots=True)
class Name:
    """A name as it is written, and how it is spelt in an address."""

    text: str
    latin: str
    idn_label: str = ""

    @classmethod
    def parse(cls, source: str) -> Name:
        """From "text", "text=latin", or either with "|label" behind it."""
        spelling, _bar, idn_label = source.partition("|")
        text, _equals, latin = spelling.partition("=")
        return cls(text, latin or in_latin(text), idn_label)


@dataclass(frozen=True, slots=True)
class People:
    """First and last names that go together."""

    first: tuple[Name, ...]
    last: tuple[Name, ...]

    def __len__(self) -> int:
        return len(self.first) * len(self.last)

    def __getitem__(self, number: int) -> tuple[Name, Name]:
        index, other = divmod(number, len(self.last))
        return self.first[index], self.last[other]


@dataclass(frozen=True, slots=True)
class Culture:
    """Where people live, how they are called, which language they read."""

    country: str
    language: str
    time_zone: str
    cities: tuple[Name, ...]
    companies: tuple[Name, ...]
    people: tuple[People, ...]


def in_latin(text: str) -> str:
    """The text in small ASCII letters, words joined by hyphens."""
    plain = unicodedata.normalize("NFKD", text.translate(WHOLE_LETTERS))
    letters = "".join(c for c in plain if not unicodedata.combining(c)).lower()
    return "-".join(re.findall(r"[a-z0-9]+", re.sub(r"[’']", "", letters)))


@cache
def cultures() -> tuple[Culture, ...]:
    data = tomllib.loads(CULTURES_FILE.read_text(encoding="utf-8"))
    return tuple(
        Culture(
            country=entry["country"],
            language=entry["language"],
            time_zone=entry["time_zone"],
            cities=names(entry["cities"]),
            companies=names(entry["companies"]),
            people=tuple(
                People(names(group["first"]), names(group["last"]))
                for group in entry["people"]
            ),
        )
        for entry in data["culture"]
    )


def names(sources: list[str]) -> tuple[Name, ...]:
    return tuple(Name.parse(source) for source in sources)
