"""The cast: an owner, a colleague and a superuser, under massmail's own policy."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from massmail.tests.factories import SuperuserFactory, UserFactory


@pytest.fixture(autouse=True)
def own_policy(settings, db) -> None:
    settings.MASSMAIL = settings.MASSMAIL | {
        "ACCESS_POLICY": "massmail.recipients.access.AccessPolicy"
    }


def manager(name: str) -> Any:
    """With every permission for massmail's models: row-level rights do the rest."""
    user = UserFactory(username=name)
    rights = Permission.objects.filter(content_type__app_label="massmail")
    user.user_permissions.set(rights)
    return user


@pytest.fixture
def owner():
    return manager("owner")


@pytest.fixture
def colleague():
    return manager("colleague")


@pytest.fixture
def superuser():
    return SuperuserFactory(username="superuser")


@pytest.fixture
def browser():
    """A client that is logged in as somebody."""

    def log_in(user: Any) -> Client:
        client = Client()
        client.force_login(user, "django.contrib.auth.backends.ModelBackend")
        return client

    return log_in


def page(obj_or_model: Any, kind: str = "change") -> str:
    """The admin page of an object, or a list's when given the model."""
    meta = obj_or_model._meta
    arguments = [] if isinstance(obj_or_model, type) else [obj_or_model.pk]
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{kind}", args=arguments)
