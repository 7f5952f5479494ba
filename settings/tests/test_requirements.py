"""requirements.txt follows requirements/*.in and stays inside pyproject's ranges."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT_DIR = Path(__file__).resolve().parent.parent.parent
REQUIREMENTS = (PROJECT_DIR / "requirements.txt").read_text(encoding="utf-8")
GROUPS = ("runtime", "celery", "oauth", "tests", "quality")
PIN = re.compile(r"^([A-Za-z0-9._-]+)\S*==(\S+)((?:.*\\\n)(?: +--hash=\S+.*\n)+)", re.M)


def pins(text: str) -> dict[str, str]:
    return {canonicalize_name(name): version for name, version, _ in PIN.findall(text)}


def section(group: str) -> str:
    """The text of requirements.txt from the group's title to the next one."""
    _before, found, after = REQUIREMENTS.partition(f"(requirements/{group}.in)\n")
    assert found
    return re.split(r"^# .*\(requirements/\w+\.in\)$", after, flags=re.M)[0]


def wanted(group: str) -> list[Requirement]:
    lines = (PROJECT_DIR / "requirements" / f"{group}.in").read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def declared() -> list[Requirement]:
    project = tomllib.loads((PROJECT_DIR / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    lines = [*project["dependencies"], *(line for extra in extras for line in extra)]
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize("group", GROUPS)
def test_what_a_group_asks_for_is_pinned_in_its_section_or_an_earlier_one(group):
    earlier = GROUPS[: GROUPS.index(group) + 1]
    pinned = {name: v for each in earlier for name, v in pins(section(each)).items()}

    for requirement in wanted(group):
        version = pinned[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), requirement


def test_every_pin_carries_its_hashes():
    lines = re.findall(r"^[A-Za-z0-9].*$", REQUIREMENTS, flags=re.M)

    assert len(lines) == len(PIN.findall(REQUIREMENTS)) > 0


def test_every_pin_lies_in_the_range_that_the_package_declares():
    pinned = pins(REQUIREMENTS)

    for requirement in declared():
        version = pinned[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), requirement


def test_it_names_no_index_and_no_folder():
    assert re.findall(r"^--\S*|\w+://\S*|file:\S*", REQUIREMENTS, flags=re.M) == []
