"""The table in docs/permissions.md says what the groups have."""

from __future__ import annotations

import re
from pathlib import Path

from django.conf import settings

from crm import roles

PAGE = Path(settings.BASE_DIR) / "docs" / "permissions.md"
ROLES = (
    roles.MANAGERS,
    roles.CHIEFS,
    roles.OPERATORS,
    roles.SUPEROPERATORS,
    roles.DEPARTMENT_HEADS,
)
LINE = re.compile(r"^\| `(\w+\.\w+)` \| (.+) \|$", re.MULTILINE)


def documented() -> set[tuple[str, str, str]]:
    """(role, model, first letter of the action)."""
    text = PAGE.read_text(encoding="utf-8")
    return {
        (role, label, letter)
        for label, cells in LINE.findall(text)
        for role, cell in zip(ROLES, cells.split(" | "), strict=True)
        for letter in cell.strip("–")
    }


def granted() -> set[tuple[str, str, str]]:
    return {
        (role, f"{app_label}.{codename.partition('_')[2]}", codename[0])
        for role in roles.RIGHTS
        for app_label, codename in roles.permissions_of(role)
    }


def test_it_is_the_whole_table():
    assert set(ROLES) == roles.RIGHTS.keys()
    assert documented() == granted()


def test_the_heads_of_its_columns_are_the_roles():
    heads = "| Permission for | " + " | ".join(ROLES) + " |"

    assert heads in PAGE.read_text(encoding="utf-8")
