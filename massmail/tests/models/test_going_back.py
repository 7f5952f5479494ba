"""The migration of target lists, backwards with rows."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection

from massmail.models import SuppressedAddress
from massmail.tests.factories import TargetListFactory

pytestmark = pytest.mark.django_db
migration = import_module("massmail.migrations.0012_target_lists")


def test_who_left_lists_stands_once_on_the_list_of_before():
    one, other = TargetListFactory.create_batch(2)
    for address, scope in [
        ("both@example.com", one),
        ("both@example.com", other),
        ("all@example.com", one),
        ("all@example.com", None),
    ]:
        SuppressedAddress.objects.suppress(
            address, reason="opted_out", source="x", target_list=scope
        )

    migration.keep_one_of_each_address(apps, SimpleNamespace(connection=connection))

    assert set(SuppressedAddress.objects.values_list("address", "target_list")) == {
        ("both@example.com", one.pk),
        ("all@example.com", None),
    }
