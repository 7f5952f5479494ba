"""Addresses that no link has: every page answers them, and none fails."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from django.db import transaction

from settings.tests.test_permissions import visits
from settings.tests.world import SUPERUSER, World

pytestmark = pytest.mark.django_db
KEY = "9" * 30
ODD = [
    dict.fromkeys(("owner", "department", "message", "recipient", "mailing"), KEY)
    | {"p": KEY, "o": "99.x.-1"},
    {"tags": KEY, "company": KEY},
    {"tags": "x", "company": "²", "content_type": KEY},
    {"created_at__year": "9999"},
    {"created_at__year": "10000", "raised_at__year": "10000"},
    {"created_at__gte": "9999-12-31 23:59:59-12:00"},
    {"status": "\0", "language": "\0", "object_id": "\0", "q": "\0"},
    {"record-created_until": "9999-12-31", "record-tags": KEY},
]


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker) -> Iterator[World]:
    with django_db_blocker.unblock(), transaction.atomic():
        yield World().build()
        transaction.set_rollback(True)


@pytest.mark.parametrize("query", ODD, ids=lambda query: next(iter(query)))
def test_no_page_fails_for_an_odd_address(world, query, caplog):
    caplog.set_level(logging.CRITICAL, logger="django.request")
    client = world.client(SUPERUSER)
    paths = {place.path.split("?")[0] for place in visits(world)} - {"/logout/"}

    failed = []
    for path in sorted(paths):
        response = client.get(path, query)
        b"".join(response)  # which closes the files that are sent
        if response.status_code >= 500:
            failed.append(path)

    assert not failed
