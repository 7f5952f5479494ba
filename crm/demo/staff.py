"""The demo's departments and the colleagues who can log in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group

from crm import roles
from crm.models import Department

# Shown by the command; the demo refuses to run with production settings.
PASSWORD = "demo"  # noqa: S105
DOMAIN = "staff.larkfield.example.com"
NORTH, SOUTH = "Sales North", "Sales South"


@dataclass(frozen=True, slots=True)
class Colleague:
    """A user of the demo and what he may do, in words."""

    username: str
    first_name: str
    last_name: str
    role: str
    department: str
    does: str

    @property
    def email(self) -> str:
        return f"{self.username}@{DOMAIN}"


COLLEAGUES = (
    Colleague("admin", "Robin", "Asante", "", "", "superuser"),
    Colleague("anna", "Anna", "Lindqvist", roles.MANAGERS, NORTH, "manager, sends"),
    Colleague("marek", "Marek", "Nowak", roles.MANAGERS, SOUTH, "manager, colleague"),
    Colleague("olive", "Olive", "Okafor", roles.OPERATORS, NORTH, "operator"),
    Colleague("carmen", "Carmen", "Ruiz", roles.CHIEFS, NORTH, "chief of North"),
)


@dataclass(frozen=True, slots=True)
class Team:
    """The two managers and where they work."""

    anna: Any
    marek: Any
    north: Group
    south: Group


def load_team() -> Team:
    """Departments and users; raises IntegrityError when they are there already."""
    groups = {name: new_department(name) for name in (NORTH, SOUTH)}
    password = make_password(PASSWORD)
    users = {
        colleague.username: new_user(colleague, password) for colleague in COLLEAGUES
    }
    return Team(users["anna"], users["marek"], groups[NORTH], groups[SOUTH])


def new_department(name: str) -> Group:
    group = Group.objects.create(name=name)
    Department.objects.create(group=group)
    return group


def new_user(colleague: Colleague, password: str) -> Any:
    user = get_user_model()._default_manager.create(
        username=colleague.username,
        email=colleague.email,
        first_name=colleague.first_name,
        last_name=colleague.last_name,
        password=password,
        is_staff=True,
        is_superuser=not colleague.role,
    )
    names = [name for name in (colleague.role, colleague.department) if name]
    user.groups.set(Group.objects.filter(name__in=names))
    return user


def is_demo_database() -> bool:
    """Whether nobody but the demo's colleagues works here.

    Every record and every mailing belongs to a user who cannot be deleted, so a
    database without other users holds nobody else's data.
    """
    names = {colleague.username: colleague.email for colleague in COLLEAGUES}
    users = get_user_model()._default_manager.values_list("username", "email")
    return all(names.get(username) == email for username, email in users.iterator())
