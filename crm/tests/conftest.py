"""The small cast: an owner, a colleague of the same department, and the others."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model

from crm.tests.factories import DepartmentFactory, UserFactory


@pytest.fixture
def north(db):
    return DepartmentFactory(name="North")


@pytest.fixture
def south(db):
    return DepartmentFactory(name="South")


@pytest.fixture
def owner(north):
    return UserFactory(username="owner", roles=["managers"], department=north)


@pytest.fixture
def colleague(north):
    return UserFactory(username="colleague", roles=["managers"], department=north)


@pytest.fixture
def chief(north):
    return UserFactory(username="chief", roles=["chiefs"], department=north)


@pytest.fixture
def operator(north):
    return UserFactory(username="operator", roles=["operators"], department=north)


@pytest.fixture
def superoperator(south):
    return UserFactory(
        username="superoperator", roles=["superoperators"], department=south
    )


@pytest.fixture
def head(north):
    return UserFactory(username="head", roles=["department heads"], department=north)


@pytest.fixture
def superuser(db):
    return get_user_model().objects.create_superuser("superuser")
