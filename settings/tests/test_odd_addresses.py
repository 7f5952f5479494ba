"""What no link and no button asks: every page answers it, and none fails."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.db import transaction
from django.test import Client
from django.urls import reverse

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


def test_no_action_fails_for_the_keys_of_no_rows(world, caplog):
    caplog.set_level(logging.CRITICAL, logger="django.request")
    client = world.client(SUPERUSER)

    failed = []
    for url, action in actions(client):
        for key in (KEY, "abc", "²\0"):
            data = {"action": action, "_selected_action": key, "index": 0}
            if client.post(url, data).status_code >= 500:
                failed.append((url, action, key))

    assert not failed


def actions(client: Client) -> list[tuple[str, str]]:
    """(address of a list, one of its actions), of the lists that are our own."""
    found = []
    for model, pages in admin.site._registry.items():
        meta = model._meta
        if meta.app_label not in ("massmail", "crm") or meta.proxy:
            continue
        url = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
        request = client.get(url).wsgi_request
        found += [(url, name) for name in pages.get_actions(request)]
    assert found
    return found
